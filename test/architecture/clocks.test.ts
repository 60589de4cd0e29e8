import { expect, test } from 'vitest';
import { readSources } from './sources.ts';

/**
 * Whoever answers a node's NTP can set its time of day. What may look at it, and why that decides nothing about a
 * packet, a table, an event or a wait; all else uses CLOCK_MONOTONIC: performance.now(), process.hrtime, bpf_ktime_get_ns.
 */
const timeOfDay: Readonly<Record<string, string>> = {
  'src/agent/agent.ts': 'heartbeats, and since when a policy is refused: for people',
  'src/agent/health.ts': 'since when a condition holds: for people',
  'src/agent/log.ts': 'a log line says when',
  'src/agent/metrics/agent-metrics.ts': 'process_start_time_seconds',
  'src/agent/node-enforcer.ts': 'since when a policy is refused: for people',
  'src/agent/node-status.ts': 'writes the above',
  'src/operate/wait-for-policies.ts': 'the same',
  'src/operate/followed-flows.ts': 'from when on flows of a node that comes later are shown: for people',
  'src/operate/policy-rollout.ts': 'heartbeats come from other machines: a report for people',
  'src/operate/read-rollout.ts': 'the same',
  'src/agent/refusal-events.ts': 'an Event says when',
  'src/agent/watch-keeper.ts': 'since when the API server is away: for people',
  'src/kernel/packet-clock.ts':
    'the kernel stamps logged packets with it; kept between the last look and now',
  'src/kubernetes/exec-plugin.ts': 'credentials expire by the time of day',
  'src/kubernetes/transport.ts': 'Retry-After may be a date',
  'src/lab/lab.ts': 'since when a lab is up: for people',
  'src/observe/flow-record.ts': 'a flow says when',
  'src/observe/wall-time.ts': 'the same',
};

test('only what tells people the time looks at the time of day', () => {
  const looks = [...readSources('src')]
    .filter(({ path }) => !path.startsWith('src/bench/'))
    .filter(({ text }) => /\bDate\.(?:now|parse)\b|\bnew Date\b|\bCLOCK_REALTIME\b/.test(text))
    .map(({ path }) => path);
  expect(looks.sort()).toEqual(Object.keys(timeOfDay).sort());
});
