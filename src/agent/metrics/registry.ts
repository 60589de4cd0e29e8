/**
 * Metrics in Prometheus' text format (version 0.0.4), without a library: what the agent needs is three kinds and one
 * page, and the largest library for it brings process-wide defaults that nobody asked for.
 */

type Labels = Readonly<Record<string, string>>;

/** A value for each label of a metric; nothing where it has none. */
type LabelsOf<Label extends string> = [Label] extends [never] ? [] : [Readonly<Record<Label, string>>];

/** What documentation and dashboards may count on. */
export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
}

interface Family extends MetricDescription {
  /** Lines without the name's prefix: suffix, labels, value. */
  samples(): Iterable<readonly [suffix: string, labels: Labels, value: number]>;
}

/** A value per set of labels. */
class Values {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  set(labels: Labels, value: number): void {
    this.#values.set(seriesOf(labels), { labels, value });
  }

  add(labels: Labels, difference: number): void {
    const known = this.#values.get(seriesOf(labels));
    if (known) known.value += difference;
    else this.set(labels, difference);
  }

  clear(): void {
    this.#values.clear();
  }

  *samples(): Generator<readonly [string, Labels, number]> {
    for (const { labels, value } of this.#values.values()) yield ['', labels, value];
  }
}

/** In whatever order they are given: a page that has a series twice is refused whole. */
function seriesOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function only([labels = {}]: readonly Labels[]): Labels {
  return labels;
}

/** Only grows. */
export class Counter<Label extends string> {
  readonly #values = new Values();

  inc(...labels: LabelsOf<Label>): void {
    this.#values.add(only(labels), 1);
  }

  /** For counts whose labels come and go: what is not set again is gone. */
  clear(): void {
    this.#values.clear();
  }

  /** For what is counted elsewhere, in the kernel say. */
  set(value: number, ...labels: LabelsOf<Label>): void {
    this.#values.set(only(labels), value);
  }

  samples(): Iterable<readonly [string, Labels, number]> {
    return this.#values.samples();
  }
}

export class Gauge<Label extends string> {
  readonly #values = new Values();

  set(value: number, ...labels: LabelsOf<Label>): void {
    this.#values.set(only(labels), value);
  }

  /** For a gauge whose set of labels changes: what is not set again is gone. */
  clear(): void {
    this.#values.clear();
  }

  samples(): Iterable<readonly [string, Labels, number]> {
    return this.#values.samples();
  }
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** Ascending upper bounds; +Inf is added. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    for (const [index, bound] of this.#bounds.entries()) {
      if (value <= bound) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
  }

  *samples(): Generator<readonly [string, Labels, number]> {
    for (const [index, bound] of this.#bounds.entries()) {
      yield ['_bucket', { le: String(bound) }, this.#counts[index] ?? 0];
    }
    yield ['_bucket', { le: '+Inf' }, this.#count];
    yield ['_sum', {}, this.#sum];
    yield ['_count', {}, this.#count];
  }
}

export class Registry {
  readonly #families: Family[] = [];

  counter<Label extends string = never>(name: string, help: string, ...labels: Label[]): Counter<Label> {
    return this.#add({ name, help, type: 'counter', labels }, new Counter<Label>());
  }

  gauge<Label extends string = never>(name: string, help: string, ...labels: Label[]): Gauge<Label> {
    return this.#add({ name, help, type: 'gauge', labels }, new Gauge<Label>());
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#add({ name, help, type: 'histogram', labels: [] }, new Histogram(bounds));
  }

  /** Asked when somebody reads the page. */
  probe(type: 'counter' | 'gauge', name: string, help: string, value: () => number): void {
    this.#families.push({ name, help, type, labels: [], samples: () => [['', {}, value()]] });
  }

  get descriptions(): readonly MetricDescription[] {
    return this.#families;
  }

  text(): string {
    return this.#families.map(pageOf).join('');
  }

  #add<T extends Pick<Family, 'samples'>>(description: MetricDescription, metric: T): T {
    this.#families.push({ ...description, samples: () => metric.samples() });
    return metric;
  }
}

function pageOf(family: Family): string {
  const { name, help, type } = family;
  const lines = [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${type}`,
  ];
  for (const [suffix, labels, value] of family.samples()) {
    lines.push(`${name}${suffix}${labelsText(labels)} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
