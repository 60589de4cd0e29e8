/**
 * Reads fields of an object as an API server wrote it. A field of the wrong type is reported and counts as absent; as
 * in the API, null is the same as absent. What is read is checked no further than its meaning here needs: the server
 * has validated it.
 */
import { failure, type Diagnostic } from '../../errors.ts';

export type Report = (field: string, message: string) => void;

export class ObjectReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** In the API server's notation, empty for the object itself. */
  readonly #path: string;
  readonly #report: Report;

  constructor(fields: Readonly<Record<string, unknown>>, path: string, report: Report) {
    this.#fields = fields;
    this.#path = path;
    this.#report = report;
  }

  text(key: string): string | undefined {
    const value = this.#fields[key] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    this.invalid(key, 'must be text');
    return undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#fields[key] ?? undefined;
    if (value === undefined || typeof value === 'boolean') return value;
    this.invalid(key, 'must be true or false');
    return undefined;
  }

  integer(key: string): number | undefined {
    const value = this.#fields[key] ?? undefined;
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    this.invalid(key, 'must be a whole number');
    return undefined;
  }

  object(key: string): ObjectReader | undefined {
    const value = this.#fields[key] ?? undefined;
    if (value === undefined) return undefined;
    if (isRecord(value)) return new ObjectReader(value, this.#child(key), this.#report);
    this.invalid(key, 'must be an object');
    return undefined;
  }

  objects(key: string): ObjectReader[] {
    return this.#list(key).flatMap((item, index) => {
      const place = `${key}[${index}]`;
      if (isRecord(item)) return [new ObjectReader(item, this.#child(place), this.#report)];
      this.invalid(place, 'must be an object');
      return [];
    });
  }

  texts(key: string): string[] {
    return this.#list(key).flatMap((item, index) => {
      if (typeof item === 'string') return [item];
      this.invalid(`${key}[${index}]`, 'must be text');
      return [];
    });
  }

  /** An object whose values are text. */
  textMap(key: string): Readonly<Record<string, string>> {
    const map = this.object(key);
    if (!map) return {};
    const entries = Object.keys(map.#fields).map((name): [string, string] => [name, map.text(name) ?? '']);
    return Object.fromEntries(entries);
  }

  invalid(key: string, message: string): void {
    this.#report(this.#child(key), message);
  }

  #list(key: string): readonly unknown[] {
    const value = this.#fields[key] ?? [];
    if (Array.isArray(value)) return value;
    this.invalid(key, 'must be a list');
    return [];
  }

  #child(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

/** A list for what is wrong with the object called `file`, and a report that adds to it. */
export function problemList(file: string): { readonly problems: Diagnostic[]; readonly report: Report } {
  const problems: Diagnostic[] = [];
  const position = { file, line: 1, column: 1 };
  const hint = 'The API server stores what it should have refused: correct or delete the object.';
  return {
    problems,
    report: (field, message) =>
      problems.push(failure('FIELD_INVALID', `Invalid value: ${message}`, { field, position, hint })),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
