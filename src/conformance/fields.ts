/** Reads the YAML of the corpus strictly: what is not understood is an error that names its place. */
import { BulkheadError, failure } from '../errors.ts';

export class Fields {
  readonly place: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  /** `place` is for messages: `conformance/e2e.yaml: e2e-01`. */
  constructor(value: unknown, place: string) {
    this.place = place;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(place, 'must be a mapping');
    this.#values = { ...value };
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined;
  }

  /** The keys that nobody has read yet. */
  rest(): readonly string[] {
    return Object.keys(this.#values).filter((key) => !this.#read.has(key));
  }

  /** Call when all is read: a key that is left was misspelt. */
  end(): void {
    const [unknown] = this.rest();
    if (unknown !== undefined) throw invalid(this.place, `unknown field ${unknown}`);
  }

  raw(key: string): unknown {
    this.#read.add(key);
    return this.#values[key];
  }

  text(key: string): string {
    const value = this.raw(key);
    if (typeof value !== 'string') throw invalid(this.place, `${key} must be text`);
    return value;
  }

  optionalText(key: string): string | undefined {
    return this.has(key) ? this.text(key) : undefined;
  }

  integer(key: string): number {
    const value = this.raw(key);
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw invalid(this.place, `${key} must be a number`);
    return value;
  }

  /** False where absent. */
  flag(key: string): boolean {
    const value = this.raw(key) ?? false;
    if (typeof value !== 'boolean') throw invalid(this.place, `${key} must be true or false`);
    return value;
  }

  /** Empty where absent. */
  list(key: string): readonly unknown[] {
    const value = this.raw(key) ?? [];
    if (!Array.isArray(value)) throw invalid(this.place, `${key} must be a list`);
    return value;
  }

  texts(key: string): readonly string[] {
    return this.list(key).map((item) => {
      if (typeof item !== 'string') throw invalid(this.place, `${key} must be a list of texts`);
      return item;
    });
  }

  /** Empty where absent or null. */
  mapping(key: string): Fields {
    return new Fields(this.raw(key) ?? {}, `${this.place}: ${key}`);
  }
}

export function invalid(place: string, problem: string): BulkheadError {
  return new BulkheadError(
    failure('CONFORMANCE_CASE_INVALID', `${place}: ${problem}`, {
      hint: 'conformance/README.md says how cases are written.',
    }),
  );
}
