/** An explanation as plain data: what -o json prints and what the story on the terminal is told from. */
import type { Explanation, Path } from '../analyze/explain.ts';
import type { Position } from '../errors.ts';
import type { Enforcement } from '../operate/enforcement.ts';
import {
  describeHolder,
  describeOrigin,
  describePeers,
  describePorts,
  describeProtocolPort,
} from '../policy/describe.ts';
import type { Holder } from '../policy/holder.ts';
import type { Direction, Origin, Rule } from '../policy/ir.ts';
import type { DirectionVerdict, Reason } from '../policy/verdict.ts';

export interface ExplainReport {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  /** `depends`: on the replica, the backend or the address family; the paths say on which. */
  readonly verdict: 'allowed' | 'denied' | 'depends';
  /** One for each way that is decided alike; at least one. */
  readonly paths: readonly ReportPath[];
  readonly notes: readonly string[];
  /** Of a running cluster: whether its nodes enforce this now; a text where that can't be known, and why. */
  readonly enforcement?: Enforcement | string;
  /** The text of what positions are in that is in no file, by the name that they give it. */
  readonly sources?: Readonly<Record<string, string>>;
}

export interface ReportPath {
  readonly allowed: boolean;
  /** Pod keys or addresses for which this holds. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** What policies judge: from the first source to the first destination, after DNAT. */
  readonly flow: {
    readonly source: ReportEnd;
    readonly destination: ReportEnd;
    /** `TCP 80`, `ICMP`. */
    readonly port: string;
  };
  /** What the client connects to, when a Service stands before the destination. */
  readonly service?: { readonly name: string; readonly address: string; readonly port: number };
  readonly egress: ReportDirection;
  readonly ingress: ReportDirection;
}

export interface ReportEnd {
  readonly address: string;
  /** `pod shop/cart-1`, `node worker-1 (10.0.0.1)`, or the address of an outsider. */
  readonly holder: string;
  readonly kind: Holder['kind'];
  readonly node?: string;
}

export interface ReportDirection {
  readonly allowed: boolean;
  readonly reason: Reason;
  /** The rule that decided. */
  readonly rule?: ReportRule;
  readonly isolatedBy: readonly ReportOrigin[];
  readonly nearMisses: readonly (ReportRule & {
    readonly differs: 'peer' | 'port';
    readonly detail: string;
  })[];
}

export interface ReportOrigin {
  /** `NetworkPolicy shop/cart, ingress rule 1`. */
  readonly title: string;
  readonly policy: string;
  readonly direction: Direction;
  /** Index in the policy's list of rules; absent for the policy as a whole. */
  readonly ruleIndex?: number;
  readonly position: Position;
}

export interface ReportRule extends ReportOrigin {
  readonly peers: string;
  readonly ports: string;
}

export function explainReport({ question, summary, paths, notes }: Explanation): ExplainReport {
  const verdict = { all: 'allowed', some: 'depends', none: 'denied' } as const;
  return { ...question, verdict: verdict[summary], paths: paths.map(pathOf), notes };
}

/** The texts that its positions are places of. */
export function sourcesOf(
  { paths }: ExplainReport,
  textOf: (file: string) => string | undefined,
): Readonly<Record<string, string>> {
  const directions = paths.flatMap(({ egress, ingress }) => [egress, ingress]);
  const origins = directions.flatMap(({ rule, isolatedBy, nearMisses }) => [
    ...(rule ? [rule] : []),
    ...isolatedBy,
    ...nearMisses,
  ]);
  const files = new Set(origins.map(({ position }) => position.file));
  return Object.fromEntries(
    [...files].flatMap((file) => {
      const text = textOf(file);
      return text === undefined ? [] : [[file, text]];
    }),
  );
}

function pathOf({ sources, destinations, flow, source, destination, dnat, verdict }: Path): ReportPath {
  const service = dnat && { name: dnat.service, address: dnat.address.text, port: dnat.port };
  return {
    allowed: verdict.allowed,
    sources,
    destinations,
    flow: {
      source: endOf(source),
      destination: endOf(destination),
      port: describeProtocolPort(flow.protocol, flow.port),
    },
    ...(service ? { service } : {}),
    egress: directionOf(verdict.egress),
    ingress: directionOf(verdict.ingress),
  };
}

function endOf(holder: Holder): ReportEnd {
  const node = holder.kind === 'pod' ? { node: holder.pod.node } : {};
  return { address: holder.address.text, holder: describeHolder(holder), kind: holder.kind, ...node };
}

function directionOf({ allowed, reason, rule, isolatedBy, nearMisses }: DirectionVerdict): ReportDirection {
  return {
    allowed,
    reason,
    ...(rule ? { rule: ruleOf(rule) } : {}),
    isolatedBy: isolatedBy.map(originOf),
    nearMisses: nearMisses.map((miss) => ({
      ...ruleOf(miss.rule),
      differs: miss.differs,
      detail: miss.detail,
    })),
  };
}

function ruleOf({ origin, peers, ports }: Rule): ReportRule {
  return { ...originOf(origin), peers: describePeers(peers), ports: describePorts(ports) };
}

function originOf(origin: Origin): ReportOrigin {
  const { namespace, name, direction, ruleIndex, position } = origin;
  return {
    title: describeOrigin(origin),
    policy: `${namespace}/${name}`,
    direction,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    position,
  };
}
