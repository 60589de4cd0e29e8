/** An object of the API as it is to be taken, whatever was wrong with it. */
import type { Diagnostic } from '../../errors.ts';
import type { RawObject } from '../../kubernetes/client.ts';
import { ObjectReader, problemList } from './object-reader.ts';

export interface Decoded<T> {
  /** Undefined: so much is wrong with it that it is best taken as not there. */
  readonly object: T | undefined;
  readonly problems: readonly Diagnostic[];
}

/** An object about to be read. */
export interface Reading {
  readonly object: ObjectReader;
  readonly metadata: ObjectReader | undefined;
  readonly namespace: string;
  readonly name: string;
  /** What explanations call it: `pods/shop/cart`. */
  readonly file: string;
  readonly problems: Diagnostic[];
}

export function read(plural: string, raw: RawObject): Reading {
  // Whoever delivered the object has found its name already; to look for it must not report anything.
  const quiet = new ObjectReader(raw, '', () => undefined).object('metadata');
  const [namespace, name] = [quiet?.text('namespace') ?? '', quiet?.text('name') ?? ''];
  const file = namespace === '' ? `${plural}/${name}` : `${plural}/${namespace}/${name}`;
  const { problems, report } = problemList(file);
  const object = new ObjectReader(raw, '', report);
  return { object, metadata: object.object('metadata'), namespace, name, file, problems };
}
