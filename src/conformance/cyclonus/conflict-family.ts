/** Cyclonus' conflicts: a policy that denies beside one that allows, in all the ways that both can be said. */
import { allowDns, peers, targets } from './fragments.ts';
import type { Direction } from './fragments.ts';
import type { Policy, Rule } from './facts.ts';
import { single } from './generated-case.ts';
import type { Untold } from './generated-case.ts';

const source = { namespace: 'x', target: targets.b };
const destination = { namespace: 'y', target: targets.c };

type Where = typeof source | typeof destination;

interface Stance {
  readonly title: string;
  readonly rules: readonly Rule[];
}

const denyAll: Stance = { title: 'deny all', rules: [] };
const denyAllByIp: Stance = { title: 'deny all by IP', rules: [{ peers: [peers.noAddress] }] };
const denyAllByPod: Stance = { title: 'deny all by pod', rules: [{ peers: [peers.noPod] }] };
const allowAll: Stance = { title: 'allow all', rules: [{}] };
const allowAllByIp: Stance = { title: 'allow all by IP', rules: [{ peers: [peers.everyAddress] }] };
const allowAllByPod: Stance = { title: 'allow all by pod', rules: [{ peers: [peers.everyPod] }] };

function policy(where: Where, direction: Direction, { title, rules }: Stance): Policy {
  return { ...where, name: `${title.toLowerCase().replaceAll(' ', '-')}-${direction}`, [direction]: rules };
}

/** Where egress is isolated the source may still ask for names. */
function conflict(title: string, ...policies: readonly Policy[]): Untold {
  const dns = { ...source, name: 'allow-dns', egress: [allowDns] };
  return single(title, ...policies, ...(policies.some(({ egress }) => egress) ? [dns] : []));
}

function both(where: Where, direction: Direction, [deny, allow]: readonly [Stance, Stance]): Untold {
  const title = `${direction}: ${deny.title}, ${allow.title}`;
  return conflict(title, policy(where, direction, deny), policy(where, direction, allow));
}

/** How one direction of one pod can be denied by one policy and allowed by another. */
const ways: readonly (readonly [Stance, Stance])[] = [
  [denyAll, allowAllByPod],
  [denyAll, allowAllByIp],
  [denyAllByIp, allowAllByPod],
  [denyAllByPod, allowAllByIp],
];

export const conflictCases: readonly Untold[] = [
  conflict(
    'The source is denied egress, the destination allows ingress',
    policy(source, 'egress', denyAll),
    policy(destination, 'ingress', allowAll),
  ),
  conflict(
    'The source is allowed egress, the destination denies ingress',
    policy(source, 'egress', allowAll),
    policy(destination, 'ingress', denyAll),
  ),
  both(source, 'egress', [denyAll, allowAll]),
  both(destination, 'ingress', [denyAll, allowAll]),
  ...ways.map((way) => both(source, 'egress', way)),
  ...ways.map((way) => both(source, 'ingress', way)),
  ...(['egress', 'ingress'] as const).flatMap((direction) =>
    [denyAllByIp, denyAllByPod].map((deny) =>
      conflict(`${direction}: ${deny.title}`, policy(source, direction, deny)),
    ),
  ),
];
