/** Fields and objects that are missing, misspelt, of another type, in another's place, or hostile. */
import { choose } from './choice.ts';
import type { Choices } from './choice.ts';
import { hostileKeys, hostileValues, identities } from './hostile.ts';

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where a value stands. */
interface Slot {
  readonly holder: Fields | unknown[];
  readonly key: string | number;
}

/** Deeper than anything means anything. */
const maxDepth = 40;

function slotsOf(value: unknown, depth = 0): Slot[] {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return [];
  const holder = value as Fields | unknown[];
  const keys: (string | number)[] = Array.isArray(holder) ? [...holder.keys()] : Object.keys(holder);
  return keys.flatMap((key) => [{ holder, key }, ...slotsOf((holder as Fields)[key], depth + 1)]);
}

function valueIn({ holder, key }: Slot): unknown {
  return (holder as Fields)[key];
}

/** Also of a field that is called `__proto__`. */
function put({ holder, key }: Slot, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove({ holder, key }: Slot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

/** Changes one field of the objects, in place. */
export function mutateFields(objects: unknown[], { what, at, other, value }: Choices): void {
  const slots = slotsOf(objects);
  const [slot, source] = [choose(slots, at), choose(slots, other)];
  if (!slot || !source) return;
  const held = valueIn(slot);
  switch (what % 8) {
    case 0:
    case 1:
      put(slot, structuredClone(choose(hostileValues, value)));
      break;
    case 2:
      remove(slot);
      break;
    case 3:
      remove(slot);
      if (Array.isArray(slot.holder)) slot.holder.push(held);
      else put({ holder: slot.holder, key: choose(hostileKeys, value) ?? '' }, held);
      break;
    case 4:
      put(slot, structuredClone(valueIn(source)));
      break;
    case 5:
      put(slot, value % 2 === 0 ? [held] : { [choose(hostileKeys, other) ?? 'x']: held });
      break;
    case 6: {
      // A letter too many.
      const name = `${slot.key}${String(slot.key).slice(-1)}`;
      if (!Array.isArray(slot.holder)) put({ holder: slot.holder, key: name }, held);
      break;
    }
    default:
      put(slot, respelt(held, value));
  }
}

/** Something else that looks like it. */
function respelt(held: unknown, value: number): unknown {
  const isFirst = value % 2 === 0;
  if (typeof held === 'number') return isFirst ? String(held) : held + 0.5;
  if (typeof held === 'string') return isFirst ? held.toUpperCase() : `${held}${held}`;
  return isFirst ? JSON.stringify(held) : null;
}

const metadataFields = ['name', 'namespace', 'labels', 'generateName', 'ownerReferences', 'annotations'];

/** Changes whole objects, in place. */
export function mutateObjects(objects: unknown[], { what, at, other, value }: Choices): void {
  const [object, second] = [choose(objects, at), choose(objects, other)];
  if (!isFields(object) || !isFields(second)) return;
  switch (what % 7) {
    case 0:
      objects.push(structuredClone(object));
      break;
    case 1:
      objects.splice(at % objects.length, 1);
      break;
    case 2: {
      const [apiVersion, kind] = choose(identities, value) ?? [];
      Object.assign(object, { apiVersion, kind });
      break;
    }
    case 3:
      objects.push({
        apiVersion: 'v1',
        kind: 'List',
        items: structuredClone(objects.slice(0, 1 + (value % 3))),
      });
      break;
    case 4:
      [object['metadata'], second['metadata']] = [second['metadata'], object['metadata']];
      break;
    case 5:
      [object['spec'], second['spec']] = [second['spec'], object['spec']];
      break;
    default: {
      const metadata = isFields(object['metadata']) ? object['metadata'] : {};
      const field = choose(metadataFields, other) ?? 'name';
      object['metadata'] = { ...metadata, [field]: structuredClone(choose(hostileValues, value)) };
    }
  }
}
