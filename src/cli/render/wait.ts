/** The end of a wait for people: one line if all went well, else who is missing and why. */
import type { WaitReport } from '../../operate/wait-for-policies.ts';
import { policyNotes, policyTable } from './cluster-status.ts';
import { printable } from './printable.ts';
import { paint, type Terminal } from './terminal.ts';

export function renderWait(report: WaitReport, terminal: Terminal): string {
  const { goal, done, timedOutAfterMs, policies } = report;
  const aim = goal === 'realised' ? 'in force on every node' : 'gone from every node';
  const reached = policies.filter(({ pending, refused }) => pending.length + refused.length === 0);
  if (done) {
    const lines = policies.map(({ policy, realised }) => `${policy} is ${aim} (${realised.length}).\n`);
    return paint(terminal, 'green', lines.join(''));
  }
  const end = timedOutAfterMs === undefined ? 'Refused' : `Not after ${timedOutAfterMs / 1000} s`;
  const head = `${end}: ${reached.length} of ${policies.length} ${policies.length === 1 ? 'policy is' : 'policies are'} ${aim}.\n`;
  const notes = policies.flatMap(policyNotes).map((note) => `${printable(note)}\n`);
  return [paint(terminal, 'red', head), policyTable(policies, terminal), notes.join('')].join('\n');
}
