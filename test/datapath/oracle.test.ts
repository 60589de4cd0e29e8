/** The programs in the kernel, on real packet bytes, say what the oracle says, and for the reason that it gives. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { lookup } from '../../src/compiler/lookup.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Program } from '../../src/compiler/program.ts';
import type { NodeTables } from '../../src/compiler/tables.ts';
import type { FlowEvent } from '../../src/datapath/datapath.ts';
import type { Node } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { arbitraryChange, arbitraryScenario } from '../generate/scenario.ts';
import type { Scenario } from '../generate/scenario.ts';
import { isRoot, KernelTables } from './kernel-tables.ts';
import { NodeView, nobody, notAsked, packetOf, unprogrammed } from './node-view.ts';
import type { Expected } from './node-view.ts';

describe.skipIf(!isRoot)('[root] the loaded programs and the oracle', () => {
  let kernel: KernelTables;
  // One compiler and one kernel for all examples: each is reached by a delta from the one before it.
  const compiler = new Compiler();
  let held: NodeTables = emptyTables;
  let judged = 0;

  beforeAll(() => {
    kernel = new KernelTables();
  });
  afterAll(() => {
    kernel.close();
  });

  const enforce = (program: Program, node: Node): void => {
    const next = nodeTables(program, node.name, node.podCIDRs);
    kernel.tables.apply(computeDelta(held, next));
    held = next;
  };

  const compare = ({ cluster, policies, flows }: Scenario): void => {
    const program = compiler.compile(cluster, policies);
    for (const node of cluster.nodes.values()) {
      enforce(program, node);
      const view = new NodeView({ cluster, program, node });
      // What the node itself sends leaves by another hook; a packet that claims to is judged in guards.test.ts.
      for (const flow of flows.filter(({ source }) => !view.isThisNode(source))) {
        const oracle = evaluate(cluster, policies, flow);
        const egress = view.expected(flow.source, oracle.egress);
        const ingress = view.expected(flow.destination, oracle.ingress);
        const asked = ingress === unprogrammed && egress !== unprogrammed ? notAsked : egress;
        checkForward({ program, flow, egress: asked, ingress });
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
    const self = flow.source.text === flow.destination.text;
    const allowed = self || (egress.allowed && ingress.allowed);
    const { accepted, events } = kernel.judge(
      flow.source.family === 4 ? 'forward4' : 'forward6',
      packetOf(flow),
    );
    expect(accepted).toBe(allowed);
    if (self || (egress === nobody && ingress === nobody)) {
      expect(events).toEqual([]);
      return;
    }
    const [event] = events;
    const compiled = lookup(program, flow);
    expect(events).toHaveLength(1);
    expect(event).toMatchObject({ allowed, protocol: flow.protocol, port: flow.port, hook: 'forward' });
    expect(event?.egress.reason).toBe(egress.reason);
    if (egress.reason === 'rule') expect(event?.egress.rule).toBe(compiled.egress.rule);
    if (!egress.allowed) return;
    expect(event?.ingress.reason).toBe(ingress.reason);
    if (ingress.reason === 'rule') expect(event?.ingress.rule).toBe(compiled.ingress.rule);
  };

  const checkLocalIn = (flow: Flow, egress: Expected): void => {
    const { accepted, events } = kernel.judge(
      flow.source.family === 4 ? 'local_in4' : 'local_in6',
      packetOf(flow),
    );
    expect(accepted).toBe(egress.allowed);
    const hooks = events.map((event: FlowEvent) => event.hook);
    expect(hooks).toEqual(egress === nobody ? [] : ['local-in']);
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
