/** What an API server says, through the agent's decoders and its enforcer: each object is taken, or refused on its own. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { NodeEnforcer } from '../../../src/agent/node-enforcer.ts';
import type { NodeUpdate } from '../../../src/agent/node-enforcer.ts';
import type { WantedPolicy } from '../../../src/agent/refused-policy.ts';
import { policyId, wantedPolicy } from '../../../src/agent/policy-intake.ts';
import { translateNetworkPolicy } from '../../../src/dialects/networkpolicy/translate.ts';
import { BulkheadError } from '../../../src/errors.ts';
import type { Diagnostic } from '../../../src/errors.ts';
import type {
  Cluster,
  LabelSelector,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
} from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { isPolicyPod } from '../../../src/policy/holder.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { decodeNamespace } from '../../../src/sources/api/namespace.ts';
import { decodeApiPolicy } from '../../../src/sources/api/network-policy.ts';
import type { ApiPolicy, RefusedPolicy } from '../../../src/sources/api/network-policy.ts';
import { decodeNode } from '../../../src/sources/api/node.ts';
import { decodePod } from '../../../src/sources/api/pod.ts';
import { policyDocument } from '../../../src/sources/api/policy-document.ts';
import { Sharing } from '../../../src/sources/api/sharing.ts';
import { parseManifests } from '../../../src/sources/manifests.ts';
import { FakeDatapath } from '../../agent/fake-datapath.ts';
import { buildFlow } from '../../generate/flow.ts';
import { checkDiagnostics } from '../manifests/diagnostics.ts';
import { withinPatience } from '../manifests/hang.ts';
import type { Fields } from '../manifests/object-mutations.ts';
import { withoutPlaces } from '../manifests/without-places.ts';
import { Tally } from '../target.ts';
import type { Session, Target } from '../target.ts';
import { arbitraryObjects } from './history.ts';
import type { ObjectHistory, Step, Told } from './history.ts';

const apiVersion = 'networking.k8s.io/v1';
const everyPod: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** An agent's view of its cluster, from the first word on. */
class Intake {
  readonly #tally: Tally;
  readonly #datapath = new FakeDatapath();
  readonly #enforcer = new NodeEnforcer('n1', () => this.#datapath);
  readonly #sharing = new Sharing();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Pod>();
  /** By id, as each should be enforced. */
  readonly #wanted = new Map<string, Policy>();
  readonly #readable = new Map<string, NetworkPolicy>();

  constructor(tally: Tally, room: number) {
    this.#tally = tally;
    this.#datapath.portCapacity = room;
  }

  take({ told, isRefused }: Step, seeds: ObjectHistory['flows']): void {
    const update = this.#decode(told);
    const before = this.#datapath.model.tables();
    const flows = seeds.map((seed) => buildFlow(this.#cluster, seed));
    const were = flows.map((flow) => this.#datapath.model.judge(flow).allowed);
    this.#datapath.refuses = isRefused;
    this.#enforcer.update(update, 1);
    const enforced = [...this.#enforcer.enforcedPolicies()];
    if (!this.#enforcer.behind) {
      this.#checkEnforced(enforced);
      for (const flow of flows) this.#judge(flow, enforced);
      return;
    }
    this.#tally.count('updates refused, in part or whole');
    if (isRefused) deepStrictEqual(this.#datapath.model.tables(), before, 'what was refused was applied');
    for (const [index, flow] of flows.entries()) {
      if (were[index] || this.#isDisputed(flow)) continue;
      const { allowed } = this.#datapath.model.judge(flow);
      const mayBe = evaluate(this.#cluster, [...this.#wanted.values()], flow).allowed;
      ok(!allowed || mayBe, `${describe(flow)}: neither before nor after`);
    }
  }

  /** Keeps what is right for later, independently of what the enforcer makes of it. */
  #decode(told: readonly Told[]): NodeUpdate {
    const policies = new Map<string, WantedPolicy | undefined>();
    const [namespaces, nodes, pods] = [new Map(), new Map(), new Map()] as [
      Map<string, Namespace | undefined>,
      Map<string, Node | undefined>,
      Map<string, Pod | undefined>,
    ];
    for (const { resource, namespace, name, object } of told) {
      const key = namespace === '' ? name : `${namespace}/${name}`;
      const decoded = <T>(one: { object: T | undefined; problems: readonly Diagnostic[] }): T | undefined => {
        this.#checkProblems(one.problems);
        return one.object;
      };
      switch (resource) {
        case 'namespaces':
          nowIs(key, object && decoded(decodeNamespace(object)), [namespaces, this.#namespaces]);
          break;
        case 'nodes':
          nowIs(key, object && decoded(decodeNode(object)), [nodes, this.#nodes]);
          break;
        case 'pods':
          nowIs(key, object && decoded(decodePod(object, this.#sharing)), [pods, this.#pods]);
          break;
        case 'networkPolicies':
          policies.set(policyId(key), this.#policy(key, object));
      }
    }
    return { namespaces, nodes, pods, policies };
  }

  #policy(key: string, object: Fields | undefined): WantedPolicy | undefined {
    const id = policyId(key);
    if (!object) {
      this.#wanted.delete(id);
      this.#readable.delete(key);
      return undefined;
    }
    const { policy, problems } = decodeApiPolicy(object);
    strictEqual(policy.key, key);
    const { text } = policyDocument(object, apiVersion);
    const severity = policy.refused ? 'error' : 'warning';
    checkDiagnostics(
      problems.filter((one) => one.severity === severity),
      { text, severity },
    );
    checkSameAsManifest(object, policy, text);
    this.#tally.count(policy.refused ? 'policies refused' : 'policies taken');
    if (policy.refused) this.#readable.delete(key);
    else this.#readable.set(key, policy.policy);
    const wanted = policy.refused ? closed(policy, object) : policy.policy;
    this.#wanted.set(id, translateNetworkPolicy(wanted));
    return wantedPolicy(policy, 1);
  }

  #checkProblems(problems: readonly Diagnostic[]): void {
    this.#tally.count('other objects');
    if (problems.length === 0) return;
    this.#tally.count('other objects, with problems');
    checkDiagnostics(problems, { text: undefined, severity: 'error' });
    ok(problems.every(({ field }) => field));
  }

  /** Every policy, as it should be, but for those that are said to be refused. */
  #checkEnforced(enforced: readonly Policy[]): void {
    const { refusals } = this.#enforcer;
    deepStrictEqual(new Set(enforced.map(({ id }) => id)), new Set(this.#wanted.keys()));
    for (const one of enforced) {
      const refusal = refusals.get(one.id);
      if (refusal?.code === 'DATAPATH_FULL') this.#tally.count('policies that did not fit');
      else deepStrictEqual(withoutPlaces(one), withoutPlaces(this.#wanted.get(one.id)), one.id);
      const isReadable = this.#readable.has(one.id.slice(policyId('').length));
      ok(isReadable || refusal, `${one.id} can't be read, and nobody says so`);
    }
  }

  get #cluster(): Cluster {
    return {
      namespaces: this.#namespaces,
      nodes: this.#nodes,
      pods: this.#pods,
      networkPolicies: this.#readable,
      services: new Map(),
      endpoints: [],
      families: [4, 6],
    };
  }

  #judge(flow: Flow, enforced: readonly Policy[]): void {
    if (this.#isDisputed(flow)) return;
    const { egress, ingress } = this.#datapath.model.judge(flow);
    if ([egress, ingress].some(({ reason }) => reason === 'unprogrammed')) return;
    const verdict = evaluate(this.#cluster, enforced, flow);
    if (egress.reason !== 'no-subject') strictEqual(egress.allowed, verdict.egress.allowed, describe(flow));
    if (ingress.reason !== 'no-subject')
      strictEqual(ingress.allowed, verdict.ingress.allowed, describe(flow));
    this.#tally.count('verdicts compared');
  }

  /** Two pods say that they have one of the addresses: the oracle has no opinion. */
  #isDisputed({ source, destination }: Flow): boolean {
    const claims = [...this.#pods.values()].filter(isPolicyPod).flatMap((pod) => pod.addresses);
    return [source, destination].some((one) => claims.filter(({ text }) => text === one.text).length > 1);
  }
}

function nowIs<T>(
  key: string,
  now: T | undefined,
  [changed, all]: readonly [Map<string, T | undefined>, Map<string, T>],
): void {
  changed.set(key, now);
  if (now === undefined) all.delete(key);
  else all.set(key, now);
}

/** As docs/agent.md says: isolated both ways, and where its selector can't be read, its whole namespace. */
function closed(policy: RefusedPolicy, object: Fields): NetworkPolicy {
  const { key, namespace, name, podSelector } = policy;
  const { spec } = object as { spec?: { podSelector?: unknown } };
  const isPlain = JSON.stringify(spec?.podSelector) === '{}';
  if (isPlain) deepStrictEqual(podSelector, everyPod);
  return {
    key,
    namespace,
    name,
    apiVersion,
    podSelector: podSelector ?? everyPod,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [],
    position: { file: '', line: 1, column: 1 },
  };
}

/** What kubectl prints of it, read as a manifest, is the same policy, or refused for the same reasons. */
function checkSameAsManifest(object: Fields, policy: ApiPolicy, text: string): void {
  for (const written of [text, JSON.stringify({ ...object, apiVersion, kind: 'NetworkPolicy' })]) {
    const read = readManifest(written);
    // Text has limits of its own.
    if (policy.refused && read.refused?.some((reason) => reason.startsWith('YAML_'))) continue;
    if (policy.refused) deepStrictEqual(new Set(read.refused), new Set(reasonsOf(policy.refused)), written);
    else deepStrictEqual(withoutPlaces(read.policy), withoutPlaces(policy.policy), written);
  }
}

function readManifest(text: string): { policy?: NetworkPolicy | undefined; refused?: string[] } {
  try {
    const [object] = parseManifests(text, 'policy.yaml').objects.values();
    return { policy: object?.kind === 'NetworkPolicy' ? object.policy : undefined };
  } catch (error) {
    if (error instanceof BulkheadError) return { refused: reasonsOf(error.diagnostics) };
    throw error;
  }
}

function reasonsOf(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ code, field = '', message }) => `${code} ${field}: ${message}`);
}

function describe({ source, destination, protocol, port }: Flow): string {
  return `${source.text} → ${destination.text} ${protocol}/${port}`;
}

class ObjectSession implements Session<ObjectHistory> {
  readonly #tally = new Tally();

  attempt({ room, steps, flows }: ObjectHistory): void {
    withinPatience(() => {
      const intake = new Intake(this.#tally, room);
      for (const step of steps) intake.take(step, flows);
    });
  }

  tally(): Readonly<Record<string, number>> {
    return this.#tally.counts;
  }

  close(): void {}
}

export const objectTarget: Target<ObjectHistory> = {
  name: 'objects',
  arbitrary: arbitraryObjects,
  file: {
    extension: 'json',
    print: (history) => `${JSON.stringify(history, null, 1)}\n`,
    parse: (content) => JSON.parse(content.toString()) as ObjectHistory,
  },
  open: () => new ObjectSession(),
};
