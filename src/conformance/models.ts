/** conformance/models.yaml: what clusters of cases are made of, and where everything in them is. */
import { makeAddress, parseAddress, parseCidr } from '../objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../objects/ip.ts';
import type { PortSpec } from './case.ts';
import { Fields, invalid } from './fields.ts';
import { parsePort } from './port.ts';

export interface Models {
  readonly nodes: ReadonlyMap<string, ModelNode>;
  /** `namespace/name` of every pod that a case can have from the start. */
  readonly pods: ReadonlyMap<string, PodPlace>;
  /** Addresses outside the cluster, one per family. */
  readonly outside: ReadonlyMap<string, readonly Address[]>;
  readonly models: ReadonlyMap<string, Model>;
}

export interface ModelNode {
  readonly addresses: readonly Address[];
  /** One range per family. */
  readonly pods: readonly Cidr[];
  /** Where the Services of its pods have their cluster IPs. */
  readonly services: readonly Cidr[];
}

export interface PodPlace {
  readonly node: string;
  readonly host: number;
  /** Where somebody else gives addresses: those, instead of the host number in its node's ranges. */
  readonly addresses?: readonly Address[];
}

export interface Model {
  readonly pods: readonly string[];
  readonly ports: readonly PortSpec[];
}

/** Throws BulkheadError CONFORMANCE_CASE_INVALID. */
export function decodeModels(document: unknown, file: string): Models {
  const fields = new Fields(document, file);
  const models = {
    nodes: eachOf(fields.mapping('nodes'), decodeNode),
    pods: eachOf(fields.mapping('pods'), decodePlace),
    outside: decodeOutside(fields.mapping('outside')),
    models: eachOf(fields.mapping('models'), decodeModel),
  };
  fields.end();
  return models;
}

function eachOf<T>(fields: Fields, decode: (item: Fields) => T): ReadonlyMap<string, T> {
  return new Map(
    fields.rest().map((key) => {
      const item = fields.mapping(key);
      const decoded = decode(item);
      item.end();
      return [key, decoded];
    }),
  );
}

function decodeOutside(fields: Fields): Models['outside'] {
  return new Map(
    fields.rest().map((name) => [name, fields.texts(name).map((text) => addressOf(text, fields.place))]),
  );
}

function decodeNode(fields: Fields): ModelNode {
  const ranges = (key: string) =>
    fields.texts(key).map((text) => {
      const cidr = parseCidr(text);
      if (!cidr) throw invalid(fields.place, `${text} is no prefix`);
      return cidr;
    });
  return {
    addresses: fields.texts('addresses').map((text) => addressOf(text, fields.place)),
    pods: ranges('pods'),
    services: ranges('services'),
  };
}

function decodePlace(fields: Fields): PodPlace {
  return { node: fields.text('node'), host: fields.integer('host') };
}

function decodeModel(fields: Fields): Model {
  return {
    pods: fields.texts('pods'),
    ports: fields.texts('ports').map((text) => parsePort(text, fields.place)),
  };
}

function addressOf(text: string, place: string): Address {
  const address = parseAddress(text);
  if (!address) throw invalid(place, `${text} is no address`);
  return address;
}

/** One per family asked for. `ranges` are those of its node. */
export function podAddresses(
  { host, addresses }: Omit<PodPlace, 'node'>,
  ranges: readonly Cidr[],
  families: readonly IpFamily[],
): readonly Address[] {
  if (!addresses) return hostAddresses(ranges, host, families);
  return families.flatMap((family) => addresses.find((address) => address.family === family) ?? []);
}

/** The addresses that a host number stands for in some ranges, one per family asked for. */
export function hostAddresses(
  ranges: readonly Cidr[],
  host: number,
  families: readonly IpFamily[],
): readonly Address[] {
  return families.flatMap((family) => {
    const range = ranges.find((candidate) => candidate.family === family);
    return range ? [makeAddress(family, range.bits + BigInt(host))] : [];
  });
}
