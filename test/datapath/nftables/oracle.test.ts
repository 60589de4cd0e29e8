/** The rules, interpreted on real packet bytes, say what the oracle says, and for the reason that it gives. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { lookup } from '../../../src/compiler/lookup.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import type { Program } from '../../../src/compiler/program.ts';
import type { NodeTables } from '../../../src/compiler/tables.ts';
import type { Node } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { arbitraryChange, arbitraryScenario } from '../../generate/scenario.ts';
import type { Scenario } from '../../generate/scenario.ts';
import { NodeView, nobody, notAsked, packetOf, unprogrammed } from '../node-view.ts';
import type { Expected } from '../node-view.ts';
import { InterpretedTables } from './interpreted.ts';
import type { Interpreted } from './interpreted.ts';

describe('the interpreted rules and the oracle', () => {
  // One compiler and one table for all examples: each is reached by a delta from the one before it.
  const compiler = new Compiler();
  const interpreted = new InterpretedTables();
  let held: NodeTables = emptyTables;
  let judged = 0;

  const enforce = (program: Program, node: Node): void => {
    const next = nodeTables(program, node.name, node.podCIDRs);
    interpreted.apply(computeDelta(held, next));
    held = next;
  };

  const compare = ({ cluster, policies, flows }: Scenario): void => {
    const program = compiler.compile(cluster, policies);
    for (const node of cluster.nodes.values()) {
      enforce(program, node);
      const view = new NodeView({ cluster, program, node });
      for (const flow of flows.filter(({ source }) => !view.isThisNode(source))) {
        const oracle = evaluate(cluster, policies, flow);
        const egress = view.expected(flow.source, oracle.egress);
        const ingress = view.expected(flow.destination, oracle.ingress);
        const asked = ingress === unprogrammed && egress !== unprogrammed ? notAsked : egress;
        const self =
          flow.source.text === flow.destination.text && egress !== nobody && egress !== unprogrammed;
        if (self) continue;
        checkForward({ program, flow, egress: asked, ingress });
        checkReply(flow, asked.allowed && ingress.allowed);
        if (view.isThisNode(flow.destination)) checkLocalIn(flow, egress);
        judged += 1;
      }
    }
  };

  const checkForward = (given: {
    program: Program;
    flow: Flow;
    egress: Expected;
    ingress: Expected;
  }): void => {
    const { program, flow, egress, ingress } = given;
    const result = interpreted.judge('forward', packetOf(flow));
    const allowed = egress.allowed && ingress.allowed;
    const decisive = !egress.allowed || ingress === nobody ? egress : ingress;
    expect(result.accepted).toBe(allowed);
    expect(result.reasons).toEqual([{ reason: decisive.reason, way: allowed ? 'allowed' : 'denied' }]);
    const compiled = lookup(program, flow);
    const rules = [
      ...(egress.reason === 'rule' ? [compiled.egress.rule] : []),
      ...(egress.allowed && ingress.reason === 'rule' ? [compiled.ingress.rule] : []),
    ];
    expect(result.rules).toEqual(rules);
    expectEvent(result, decisive === nobody ? [] : [{ allowed, reason: decisive.reason, reply: false }]);
  };

  const expectEvent = ({ events }: Interpreted, expected: readonly object[]): void => {
    expect(events).toHaveLength(expected.length);
    expect(events).toMatchObject(expected);
  };

  /** The reply to a flow has the flow's verdict. */
  const checkReply = (flow: Flow, allowed: boolean): void => {
    const result = interpreted.judge('forward', replyTo(flow), 'reply');
    expect(result.accepted).toBe(allowed);
    expect(result.rules).toEqual([]);
    if (allowed) expect(result.reasons).toEqual([{ reason: 'reply', way: 'allowed' }]);
    expectEvent(result, allowed ? [] : [{ allowed: false, reply: true }]);
  };

  const checkLocalIn = (flow: Flow, egress: Expected): void => {
    const result = interpreted.judge('input', packetOf(flow));
    expect(result.accepted).toBe(egress.allowed);
    expectEvent(result, egress === nobody ? [] : [{ allowed: egress.allowed, reason: egress.reason }]);
  };

  test('generated clusters', () => {
    fc.assert(fc.property(arbitraryScenario, compare), { numRuns: 60 });
    expect(judged).toBeGreaterThan(1000);
  });

  test('generated changes, from one cluster to the next', () => {
    fc.assert(
      fc.property(arbitraryChange, ({ before, after, flows }) => {
        compare({ ...before, flows });
        compare({ ...after, flows });
      }),
      { numRuns: 40 },
    );
  });
});

/** With the ports the other way round; of protocols without, a packet that is none of the errors. */
function replyTo(flow: Flow): Uint8Array {
  const { source, destination, protocol } = flow;
  const bytes = packetOf({ ...flow, source: destination, destination: source });
  const transport = source.family === 4 ? 20 : 40;
  if (protocol === 6 || protocol === 17 || protocol === 132) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [sourcePort, port] = [view.getUint16(transport), view.getUint16(transport + 2)];
    view.setUint16(transport, port);
    view.setUint16(transport + 2, sourcePort);
  }
  return bytes;
}
