/** Flows as text: one line each, made to be read while it scrolls. */
import type { FlowItem } from './flow-log.ts';
import type { Decision, FlowEnd, FlowRecord, PolicyReference } from './flow-record.ts';

/** `12:01:02.345 shop/cart-0:41234 → shop/redis-0:6379 TCP DENIED ingress: …` */
export function formatFlowItem(item: FlowItem): string {
  if (item.kind === 'lost') return `LOST ${item.events} events: the kernel's event buffer was full`;
  const { record } = item;
  return [
    record.time.slice(11, 23),
    `${formatEnd(record.source)} → ${formatEnd(record.destination)}`,
    record.protocol,
    record.verdict.toUpperCase(),
    formatDecisions(record),
  ].join('  ');
}

export function formatEnd({ kind, name, address, port }: FlowEnd): string {
  const host = kind === 'external' && address.includes(':') ? `[${address}]` : name;
  return port === undefined ? host : `${host}:${port}`;
}

/** What decided: for a deny only the direction that denied, for an allow both. */
export function formatDecisions(record: FlowRecord): string {
  const decisive = record.decisions.filter((decision) => decision.allowed === (record.verdict === 'allowed'));
  return decisive.map(formatDecision).join('; ');
}

function formatDecision(decision: Decision): string {
  return `${decision.direction}: ${formatReason(decision)}`;
}

function formatReason({ reason, rule, isolatedBy, nearMisses }: Decision): string {
  switch (reason) {
    case 'rule':
      return rule ? formatReference(rule) : 'a rule that is gone by now';
    case 'default-deny': {
      const policies = isolatedBy.map((one) => formatPlace(one.policy, one)).join(', ');
      const [nearest] = nearMisses;
      const closest = nearest ? `; closest: ${formatReference(nearest.rule)}: ${nearest.detail}` : '';
      return `no rule matches; isolated by ${policies}${closest}`;
    }
    case 'not-isolated':
      return 'no policy selects the pod';
    case 'unprogrammed':
      return 'nobody has this pod address (yet)';
    default:
      return reason;
  }
}

function formatReference(reference: PolicyReference): string {
  return formatPlace(reference.text, reference);
}

function formatPlace(name: string, { position, refused }: PolicyReference): string {
  const place = `${name} (${position})`;
  if (!refused) return place;
  const held = { previous: ', the version before holds', closed: ' and closes its pods' }[refused.enforced];
  return `${place}, which is refused${held}: ${refused.code}: ${refused.message}`;
}
