/** A Program for people, reviews and golden tests: sorted, as plain data (for JSON and YAML) or as text. */
import { formatPosition } from '../errors.ts';
import { compareAddresses } from '../objects/ip.ts';
import { describeBlock, describeOrigin, describePods } from '../policy/describe.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import type { Question } from './predicates.ts';
import { anyProtocol } from './program.ts';
import type {
  AddressEntry,
  ClassId,
  IdentityId,
  PortEntry,
  Program,
  RuleId,
  SetEntry,
  SetId,
} from './program.ts';

export interface ProgramDescription {
  readonly addresses: readonly {
    readonly address: string;
    /** `pod shop/cart-1 on worker-1`, `node worker-1`. */
    readonly owner: string;
    readonly identity: IdentityId;
    readonly ingressSet: SetId;
    readonly egressSet: SetId;
  }[];
  readonly cidrs: readonly { readonly cidr: string; readonly identity: IdentityId }[];
  readonly identities: readonly { readonly id: IdentityId; readonly satisfies: readonly string[] }[];
  readonly sets: readonly {
    readonly id: SetId;
    readonly isolatedBy: readonly string[];
    /** Which identities get which class; identity 0 stands for all that are not listed. */
    readonly classes: readonly { readonly class: ClassId; readonly identities: readonly IdentityId[] }[];
  }[];
  readonly classes: readonly {
    readonly id: ClassId;
    /** Longest prefix first match; `ports` in words: `TCP 80`, `TCP 8000-8007`, `all TCP`, `any`. */
    readonly entries: readonly {
      readonly ports: string;
      readonly verdict: 'allow' | 'deny';
      readonly rule: RuleId;
    }[];
  }[];
  readonly rules: readonly { readonly id: RuleId; readonly rule: string; readonly at: string }[];
}

export function describeProgram(program: Program): ProgramDescription {
  const byAddress = [...program.addresses.values()].sort((a, b) => compareAddresses(a.address, b.address));
  const byPrefix = [...program.cidrs].sort(
    ({ cidr: a }, { cidr: b }) => compareAddresses(a, b) || a.prefixLength - b.prefixLength,
  );
  return {
    addresses: byAddress.map(({ address, owner, identity, ingressSet, egressSet }) => ({
      address: address.text,
      owner: describeOwner(owner),
      identity,
      ingressSet,
      egressSet,
    })),
    cidrs: byPrefix.map(({ cidr, identity }) => ({ cidr: cidr.text, identity })),
    identities: byId(program.identities).map(([id, { predicates }]) => ({
      id,
      satisfies: predicates.map((each) => describeQuestion(program.questions.get(each))).sort(),
    })),
    sets: byId(program.sets).map(([id, { isolatedBy, classes }]) => ({
      id,
      isolatedBy: isolatedBy.map(describeOrigin),
      classes: groupByClass(classes),
    })),
    classes: byId(program.classes).map(([id, { ports }]) => ({
      id,
      entries: ports.map((entry) => ({
        ports: describeEntry(entry),
        verdict: entry.allow ? 'allow' : 'deny',
        rule: entry.rule,
      })),
    })),
    rules: byId(program.rules).map(([id, origin]) => ({
      id,
      rule: describeOrigin(origin),
      at: formatPosition(origin.position),
    })),
  };
}

/** One section per table. */
export function formatProgram(program: Program): string {
  const { addresses, cidrs, identities, sets, classes, rules } = describeProgram(program);
  const sections = [
    section(
      'Addresses',
      ['ADDRESS', 'OWNER', 'IDENTITY', 'INGRESS SET', 'EGRESS SET'],
      addresses.map(Object.values),
    ),
    section('Prefixes', ['PREFIX', 'IDENTITY'], cidrs.map(Object.values)),
    section(
      'Identities: what an address satisfies, exactly',
      ['IDENTITY', 'SATISFIES'],
      identities.flatMap(({ id, satisfies }) =>
        satisfies.map((text, index) => [index === 0 ? id : '', text]),
      ),
    ),
    section(
      'Sets: the rules of one subject and direction (identity 0: all others; set 0: not isolated)',
      ['SET', 'IDENTITIES', 'CLASS'],
      sets.flatMap(({ id, classes: rows }) =>
        (rows.length > 0 ? rows : [{ identities: [], class: 'deny all' }]).map((row, index) => [
          index === 0 ? id : '',
          row.identities.join(' ') || '-',
          row.class,
        ]),
      ),
    ),
    section(
      'Isolation: the policies by which a set denies what no rule matches',
      ['SET', 'POLICY'],
      sets.flatMap(({ id, isolatedBy }) =>
        isolatedBy.map((policy, index) => [index === 0 ? id : '', policy]),
      ),
    ),
    section(
      'Classes: the longest prefix decides (rule 0: by default)',
      ['CLASS', 'PORTS', 'VERDICT', 'RULE'],
      classes.flatMap(({ id, entries }) =>
        (entries.length > 0 ? entries : [{ ports: 'any', verdict: 'deny', rule: 0 }]).map(
          ({ ports, verdict, rule }, index) => [index === 0 ? id : '', ports, verdict, rule],
        ),
      ),
    ),
    section('Rules', ['RULE', 'IS', 'AT'], rules.map(Object.values)),
  ];
  return sections.join('\n');
}

function section(title: string, header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${title}\n${(rows.length > 0 ? lines : ['none']).map((line) => `  ${line}\n`).join('')}`;
}

function byId<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].sort(([a], [b]) => a - b);
}

function groupByClass(classes: SetEntry['classes']): ProgramDescription['sets'][number]['classes'] {
  const groups = Map.groupBy(byId(classes), ([, id]) => id);
  return [...groups].map(([id, rows]) => ({ class: id, identities: rows.map(([identity]) => identity) }));
}

function describeQuestion(question: Question | undefined): string {
  switch (question?.kind) {
    case 'pods':
      return describePods(question.match);
    case 'blocks':
      return question.blocks.map(describeBlock).join(' or ');
    case 'port':
      return `port ${question.name}=${question.port}`;
    case undefined:
      return '';
  }
}

function describeOwner(owner: AddressEntry['owner']): string {
  return owner.kind === 'pod' ? `pod ${owner.pod} on ${owner.node}` : `node ${owner.node}`;
}

function describeEntry({ protocol, port, prefixLength }: PortEntry): string {
  if (protocol === anyProtocol) return 'any';
  const name = Object.entries(protocolNumbers).find(([, number]) => number === protocol)?.[0] ?? protocol;
  if (prefixLength === 0) return `all ${name}`;
  const last = port + 2 ** (16 - prefixLength) - 1;
  return `${name} ${port === last ? port : `${port}-${last}`}`;
}
