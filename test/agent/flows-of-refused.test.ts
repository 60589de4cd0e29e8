/** What the flows of a node say of policies that it refuses, and of those that it refused when they were judged. */
import { expect, test } from 'vitest';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import type { FlowEvent } from '../../src/datapath/datapath.ts';
import { addressBytes } from '../../src/objects/ip.ts';
import { formatFlowItem } from '../../src/observe/flow-format.ts';
import { FlowJournal } from '../../src/observe/flow-journal.ts';
import { FakeDatapath } from './fake-datapath.ts';
import { flowTo, policy, state, updateBetween, world } from './two-pods.ts';

function setUp() {
  const datapath = new FakeDatapath();
  const enforcer = new NodeEnforcer('n1', () => datapath);
  let now = state(world);
  enforcer.update(updateBetween(undefined, now));
  const journal = new FlowJournal('n1', () => ({
    version: enforcer.changes,
    snapshot: { cluster: now.cluster, ...enforcer.judging },
  }));
  const change = (policies: string) => {
    const after = state(`${world}${policies}`);
    enforcer.update(updateBetween(now, after));
    now = after;
  };
  const send = (port: number) => {
    const flow = flowTo(now.cluster, port);
    const event: FlowEvent = {
      ...datapath.model.judge(flow),
      time: process.hrtime.bigint(),
      family: 4,
      hook: 'forward',
      source: addressBytes(flow.source),
      destination: addressBytes(flow.destination),
      protocol: flow.protocol,
      sourcePort: 40_000,
      port,
    };
    journal.add(event);
  };
  const newest = () => {
    const [item] = journal.newestFirst();
    return item ? formatFlowItem(item) : '';
  };
  return { datapath, enforcer, change, send, newest };
}

test('a policy for which there is no room says so at what it denies, until there is', () => {
  const { datapath, enforcer, change, send, newest } = setUp();
  datapath.portCapacity = 2;
  change(policy('large', [1, 3, 5]));
  send(1);
  const refused = 'x/large (test.yaml';
  expect(newest()).toContain(refused);
  expect(newest()).toMatch(/\), which is refused and closes its pods: DATAPATH_FULL: no room$/);
  // What was judged while it was refused stays so.
  datapath.portCapacity = Infinity;
  enforcer.retryRefused();
  expect(newest()).toMatch(/DATAPATH_FULL: no room$/);
  send(2);
  expect(newest()).toMatch(/no rule matches; isolated by x\/large \([^)]*\); closest: /);
  send(1);
  expect(newest()).toContain('x/large, ingress rule 1');
});

test('where the version before holds, that is said', () => {
  const { datapath, change, send, newest } = setUp();
  change(policy('web', [80]));
  datapath.portCapacity = 1;
  change(policy('web', [1, 3, 5]));
  send(80);
  expect(newest()).toMatch(
    /x\/web, ingress rule 1 \([^)]*\), which is refused, the version before holds: DATAPATH_FULL/,
  );
});
