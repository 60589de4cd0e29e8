/**
 * Metrics in Prometheus' text format (version 0.0.4), without a library: what the agent needs is three kinds and one
 * page, and the largest library for it brings process-wide defaults that nobody asked for.
 */

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Lines without the name's prefix: suffix, labels, value. */
  samples(): Iterable<readonly [suffix: string, labels: Labels, value: number]>;
}

/** A value per set of labels. */
class Values {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  set(labels: Labels, value: number): void {
    this.#values.set(JSON.stringify(labels), { labels, value });
  }

  add(labels: Labels, difference: number): void {
    const known = this.#values.get(JSON.stringify(labels));
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

/** Only grows. */
export class Counter {
  readonly #values = new Values();

  inc(labels: Labels = {}, by = 1): void {
    this.#values.add(labels, by);
  }

  /** For counts whose labels come and go: what is not set again is gone. */
  clear(): void {
    this.#values.clear();
  }

  /** For what is counted elsewhere, in the kernel say. */
  set(value: number, labels: Labels = {}): void {
    this.#values.set(labels, value);
  }

  samples(): Iterable<readonly [string, Labels, number]> {
    return this.#values.samples();
  }
}

export class Gauge {
  readonly #values = new Values();

  set(value: number, labels: Labels = {}): void {
    this.#values.set(labels, value);
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

  counter(name: string, help: string): Counter {
    return this.#add(name, help, 'counter', new Counter());
  }

  gauge(name: string, help: string): Gauge {
    return this.#add(name, help, 'gauge', new Gauge());
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#add(name, help, 'histogram', new Histogram(bounds));
  }

  /** A gauge that is asked when somebody reads the page. */
  probe(name: string, help: string, value: () => number): void {
    this.#families.push({ name, help, type: 'gauge', samples: () => [['', {}, value()]] });
  }

  text(): string {
    return this.#families.map(pageOf).join('');
  }

  #add<T extends Pick<Family, 'samples'>>(name: string, help: string, type: Family['type'], metric: T): T {
    this.#families.push({ name, help, type, samples: () => metric.samples() });
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
