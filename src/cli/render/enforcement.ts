/** Whether the nodes enforce now what was explained: one line if so, else who lacks what, and why. */
import { changesNothing } from '../../operate/enforcement.ts';
import type { Enforcement, MissingPolicy, NodeEnforcement } from '../../operate/enforcement.ts';
import { labelled } from './labelled.ts';
import { printable } from './printable.ts';
import { paint, type Terminal } from './terminal.ts';

/** More of what does not decide is only counted. */
const mostOthers = 3;

export function renderEnforcement(enforcement: Enforcement | string, terminal: Terminal): string {
  if (typeof enforcement === 'string')
    return labelled('now', `not known: ${printable(enforcement)}`, terminal);
  const { inForce, nodes } = enforcement;
  if (nodes.length === 0) return labelled('now', 'no node decides: neither end is a pod', terminal);
  const names = nodes.map(({ node }) => node).join(' and ');
  if (inForce) {
    const verb = nodes.length === 1 ? 'enforces' : 'enforce';
    const isWhole = nodes.every(({ missing }) => missing.length === 0);
    const what = isWhole
      ? 'every policy as it stands'
      : 'what decides here; those refused change nothing of it';
    const text = `${paint(terminal, 'green', 'in force')}: ${names} ${verb} ${what}`;
    return labelled('now', text, terminal);
  }
  const decided = nodes.some(({ missing }) => missing.some(({ decides }) => decides));
  const verdict = decided ? 'not in force' : 'perhaps not in force';
  return [
    labelled('now', `${paint(terminal, 'yellow', verdict)}: the kernels may decide otherwise`, terminal),
    ...nodes.flatMap((node) => nodeLines(node).map((line) => labelled('', printable(line), terminal))),
  ].join('\n');
}

function nodeLines({ node, state, missing }: NodeEnforcement): string[] {
  if (state === 'no agent')
    return [`${node}: no agent reports from it: nothing is known to be enforced there`];
  const deciding = missing.filter(({ decides }) => decides);
  const others = missing.filter((one) => !one.decides && !changesNothing(one));
  const shown = others.slice(0, mostOthers);
  const more = others.length - shown.length;
  return [
    ...deciding.map((one) => `${node}: ${describe(one)}`),
    ...shown.map(
      (one) => `${node}: ${describe(one)} (it does not decide here, but its version before might)`,
    ),
    ...(more > 0 ? [`${node}: and ${more} more policies`] : []),
    ...(missing.every(changesNothing) ? [`${node}: ${wellBeing(state, missing.length === 0)}`] : []),
  ];
}

function wellBeing(state: NodeEnforcement['state'], isWhole: boolean): string {
  if (!isWhole && (state === 'ready' || state === 'degraded')) return 'enforces what decides here';
  return state === 'ready' ? 'enforces every policy' : `is ${state}`;
}

function describe({ policy, state, reason, since }: MissingPolicy): string {
  return `${policy} ${state}${since === '' ? '' : ` since ${since}`}: ${reason}`;
}
