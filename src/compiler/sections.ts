/**
 * What one policy says about one direction, with peers as predicates and ports as numbers: the piece of which the
 * rules of a subject are put together.
 */
import type { Action, Direction, Origin, Policy, PortMatch, Rule, Section } from '../policy/ir.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import { peerQuestions } from './peer-questions.ts';
import type { PortRange } from './port-table.ts';
import { portName } from './predicates.ts';
import type { NamedPorts, PortName, PredicateId, Predicates } from './predicates.ts';
import type { RuleId } from './program.ts';

/** To be resolved on the destination pod. */
export interface NamedPort {
  readonly protocol: number;
  readonly name: PortName;
}

export type CompiledPort = PortRange | NamedPort;

export interface CompiledRule {
  readonly id: RuleId;
  readonly action: Action;
  /** ORed, ascending; never empty. */
  readonly peers: 'any' | readonly PredicateId[];
  /** ORed; never empty. */
  readonly ports: 'any' | readonly CompiledPort[];
  /** Whether some port is a NamedPort. */
  readonly named: boolean;
  /** What the rule does to those whom it matches. Equal text ⇔ equal id, action and ports. */
  readonly effect: string;
}

export interface CompiledSection {
  readonly tier: number;
  /** Those that can match something. */
  readonly rules: readonly CompiledRule[];
  /** The policy as a whole, if it denies by default. */
  readonly isolatedBy?: Origin;
  /** Equal text ⇔ equal meaning. */
  readonly content: string;
}

/** Names a rule across compiles. */
export function ruleKey({ direction, namespace, name, dialect, ruleIndex }: Origin): string {
  return `${dialect}/${namespace}/${name}/${direction}/${ruleIndex ?? ''}`;
}

/** Where a section's predicates are registered: peers, and the port names that ask something of a peer. */
export interface SectionContext {
  readonly predicates: Pick<Predicates, 'ofQuestion'> & { readonly portNames: { add(name: PortName): void } };
  /** By ruleKey. */
  readonly ruleIds: Pick<ReadonlyMap<string, RuleId>, 'get'>;
}

export function compileSection(
  policy: Policy,
  direction: Direction,
  context: SectionContext,
): CompiledSection | undefined {
  const section = policy[direction];
  if (!section) return undefined;
  const rules = section.rules.flatMap((rule) => {
    const peers = compilePeers(rule.peers, context.predicates);
    const ports = compilePorts(rule.ports);
    if (peers.length === 0 || ports.length === 0) return [];
    const id = context.ruleIds.get(ruleKey(rule.origin)) ?? 0;
    const names = ports === 'any' ? [] : ports.flatMap((port) => ('name' in port ? [port.name] : []));
    if (direction === 'egress') for (const name of names) context.predicates.portNames.add(name);
    const effect = describeEffect(id, rule.action, ports);
    return [{ id, action: rule.action, peers, ports, named: names.length > 0, effect }];
  });
  return describe(policy.tier, section, rules);
}

/** The section as one subject sees it: port names replaced by the subject's own numbers. */
export function resolvePorts(section: CompiledSection, subject: NamedPorts): CompiledSection {
  const rules = section.rules.flatMap((rule) => {
    if (!rule.named) return [rule];
    const ports = resolve(rule.ports, subject);
    const effect = describeEffect(rule.id, rule.action, ports);
    return ports.length === 0 ? [] : [{ ...rule, ports, named: false, effect }];
  });
  const origin = section.isolatedBy;
  return describe(section.tier, origin ? { default: 'deny', origin } : { default: 'next' }, rules);
}

/** NamedPorts become those of their numbers that the destination has; others stay. */
export function resolve(ports: CompiledRule['ports'], destination: NamedPorts): 'any' | PortRange[] {
  if (ports === 'any') return 'any';
  return ports.flatMap((port) =>
    'name' in port
      ? (destination.get(port.name) ?? []).map((number) => ({
          protocol: port.protocol,
          from: number,
          to: number,
        }))
      : [port],
  );
}

function describe(
  tier: number,
  section: { readonly default: Section['default']; readonly origin?: Origin },
  rules: readonly CompiledRule[],
): CompiledSection {
  const isolatedBy = section.default === 'deny' ? section.origin : undefined;
  const texts = rules.map(({ effect, peers }) => `${effect} ${peers === 'any' ? 'any' : peers.join(',')}`);
  const content = `${tier};${isolatedBy ? ruleKey(isolatedBy) : ''};${texts.join(';')}`;
  return { tier, rules, content, ...(isolatedBy ? { isolatedBy } : {}) };
}

function describeEffect(id: RuleId, action: Action, ports: CompiledRule['ports']): string {
  const texts =
    ports === 'any'
      ? ['any']
      : ports.map((port) => ('name' in port ? port.name : `${port.protocol}:${port.from}-${port.to}`));
  return `${id} ${action} ${texts.sort().join(',')}`;
}

function compilePeers(peers: Rule['peers'], predicates: SectionContext['predicates']): 'any' | PredicateId[] {
  if (peers === 'any') return 'any';
  const ids = new Set(peerQuestions(peers).map((question) => predicates.ofQuestion(question)));
  return [...ids].sort((a, b) => a - b);
}

function compilePorts(ports: Rule['ports']): 'any' | CompiledPort[] {
  return ports === 'any' ? 'any' : ports.map(compilePort);
}

function compilePort(match: PortMatch): CompiledPort {
  const protocol = protocolNumbers[match.protocol];
  switch (match.kind) {
    case 'all':
      return { protocol, from: 0, to: 65535 };
    case 'range':
      return { protocol, from: match.from, to: match.to };
    case 'named':
      return { protocol, name: portName(match.protocol, match.name) };
  }
}
