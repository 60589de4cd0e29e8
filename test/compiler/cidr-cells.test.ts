import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutIntoCells } from '../../src/compiler/cidr-cells.ts';
import type { Block } from '../../src/compiler/cidr-cells.ts';
import { addressWidth, cidrContains, cidrContainsCidr, makeAddress } from '../../src/objects/ip.ts';
import type { Address, Cidr } from '../../src/objects/ip.ts';
import { address, blocks, cidr } from '../generate/universe.ts';

/** A block of the universe with some of those inside it as excepts. */
const arbitraryBlocks: fc.Arbitrary<Block[]> = fc
  .array(fc.record({ cidr: fc.constantFrom(...blocks), holes: fc.infiniteStream(fc.boolean()) }), {
    maxLength: 8,
  })
  .map((drafts) =>
    drafts.map(({ cidr: outer, holes }, predicate) => ({
      predicate,
      cidr: outer,
      except: blocks.filter(
        (inner) => inner.text !== outer.text && cidrContainsCidr(outer, inner) && holes.next().value === true,
      ),
    })),
  );

/** Both ends of every block, and their neighbours outside. */
function edges({ family, bits, prefixLength }: Cidr): Address[] {
  const size = 1n << BigInt(addressWidth(family) - prefixLength);
  const limit = 1n << BigInt(addressWidth(family));
  return [bits - 1n, bits, bits + size - 1n, bits + size]
    .filter((candidate) => candidate >= 0n && candidate < limit)
    .map((candidate) => makeAddress(family, candidate));
}

test('the cell of an address knows exactly the blocks that the address is in', () => {
  fc.assert(
    fc.property(arbitraryBlocks, (generated) => {
      const { table } = cutIntoCells(generated);
      for (const candidate of blocks.flatMap(edges)) {
        const inside = generated.filter(
          ({ cidr: outer, except }) =>
            cidrContains(outer, candidate) && !except.some((hole) => cidrContains(hole, candidate)),
        );
        expect(table.match(candidate)?.predicates ?? []).toEqual(inside.map(({ predicate }) => predicate));
      }
    }),
    { numRuns: 150 },
  );
});

test("a block inside another block's except is still there", () => {
  const { table } = cutIntoCells([
    { predicate: 1, cidr: cidr('10.0.0.0/8'), except: [cidr('10.1.0.0/16')] },
    { predicate: 2, cidr: cidr('10.1.2.0/24'), except: [] },
    { predicate: 3, cidr: cidr('0.0.0.0/0'), except: [] },
  ]);
  const at = (text: string) => table.match(address(text))?.predicates;
  expect([at('10.0.0.1'), at('10.1.0.1'), at('10.1.2.1'), at('192.0.2.1'), at('fd00::1')]).toEqual([
    [1, 3],
    [3],
    [2, 3],
    [3],
    undefined,
  ]);
});
