/** Writes a case down step by step while keeping track of what it means. */
import type { PodFacts, Policy, PortFacts } from './facts.ts';
import { isAllowed, protocols, specOf } from './facts.ts';
import { linesOf } from './table.ts';

/** As a case stands in its file. */
export interface GeneratedCase {
  readonly id: string;
  readonly title: string;
  readonly model: 'nine';
  readonly dns: true;
  readonly steps: readonly GeneratedStep[];
}

export interface GeneratedStep {
  readonly change?: readonly Readonly<Record<string, unknown>>[];
  readonly expect: readonly string[];
}

const ports: readonly PortFacts[] = protocols.flatMap((protocol) =>
  [80, 81].map((port) => ({ protocol, port })),
);

function pod(namespace: string, name: string, ns = namespace): PodFacts {
  return { key: `${namespace}/${name}`, namespace, namespaceLabels: { ns }, labels: { pod: name } };
}

export class CaseWriter {
  readonly #steps: GeneratedStep[] = [];
  #pods: readonly PodFacts[] = ['x', 'y', 'z'].flatMap((namespace) =>
    ['a', 'b', 'c'].map((name) => pod(namespace, name)),
  );
  #policies: readonly Policy[] = [];
  #changes: Readonly<Record<string, unknown>>[] = [];

  create(...policies: Policy[]): this {
    for (const policy of policies) {
      this.#changes.push({ [`create policy ${policy.namespace}/${policy.name}`]: specOf(policy) });
      this.#policies = [...this.#policies, policy];
    }
    return this;
  }

  update(policy: Policy): this {
    this.#changes.push({ [`update policy ${policy.namespace}/${policy.name}`]: specOf(policy) });
    this.#policies = this.#policies.map((known) =>
      known.namespace === policy.namespace && known.name === policy.name ? policy : known,
    );
    return this;
  }

  delete(policy: Policy): this {
    this.#changes.push({ [`delete policy ${policy.namespace}/${policy.name}`]: null });
    this.#policies = this.#policies.filter((known) => known !== policy);
    return this;
  }

  createNamespace(name: string, ns: string): this {
    this.#changes.push({ [`create namespace ${name}`]: { ns } });
    return this;
  }

  deleteNamespace(name: string): this {
    this.#changes.push({ [`delete namespace ${name}`]: null });
    this.#pods = this.#pods.filter(({ namespace }) => namespace !== name);
    return this;
  }

  /** `ns` is the label that its namespace was created with. */
  createPod(key: string, options: { ns: string; node: string; host: number }): this {
    const [namespace = '', name = ''] = key.split('/');
    const { ns, node, host } = options;
    this.#changes.push({ [`create pod ${key}`]: { node, host } });
    this.#pods = [...this.#pods, pod(namespace, name, ns)];
    return this;
  }

  deletePod(key: string): this {
    this.#changes.push({ [`delete pod ${key}`]: null });
    this.#pods = this.#pods.filter((known) => known.key !== key);
    return this;
  }

  labelNamespace(name: string, labels: Readonly<Record<string, string | null>>): this {
    this.#changes.push({ [`label namespace ${name}`]: labels });
    this.#pods = this.#pods.map((known) =>
      known.namespace === name
        ? { ...known, namespaceLabels: relabel(known.namespaceLabels, labels) }
        : known,
    );
    return this;
  }

  labelPod(key: string, labels: Readonly<Record<string, string | null>>): this {
    this.#changes.push({ [`label pod ${key}`]: labels });
    this.#pods = this.#pods.map((known) =>
      known.key === key ? { ...known, labels: relabel(known.labels, labels) } : known,
    );
    return this;
  }

  /** Ends a step: what was done since the last one, and what is to be seen now. */
  probe(): this {
    const policies = this.#policies;
    const expect = linesOf({ pods: this.#pods, ports, allows: (cell) => isAllowed(policies, cell) });
    this.#steps.push({ ...(this.#changes.length > 0 ? { change: this.#changes } : {}), expect });
    this.#changes = [];
    return this;
  }

  finish(id: string, title: string): GeneratedCase {
    return { id, title, model: 'nine', dns: true, steps: this.#steps };
  }
}

function relabel(
  labels: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const merged = Object.entries({ ...labels, ...changes });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** What most families consist of: some policies, one look. */
export function single(title: string, ...policies: readonly Policy[]): Untold {
  return { title, write: (writer) => writer.create(...policies).probe() };
}

/** A case without its number. */
export interface Untold {
  readonly title: string;
  readonly write: (writer: CaseWriter) => CaseWriter;
}

export function numberCases(family: string, cases: readonly Untold[]): readonly GeneratedCase[] {
  const width = String(cases.length).length;
  return cases.map(({ title, write }, index) =>
    write(new CaseWriter()).finish(`${family}-${String(index + 1).padStart(width, '0')}`, title),
  );
}
