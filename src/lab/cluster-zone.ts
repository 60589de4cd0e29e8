/**
 * The names of a cluster, as CoreDNS gives them: Kubernetes DNS-based service discovery specification 1.1.0
 * (kubernetes/dns docs/specification.md). Pods with names of their own below a headless Service are those of
 * StatefulSets; all others are named by their address.
 */
import { addressBytes, type Address } from '../objects/ip.ts';
import type { Backend, Cluster, Service, ServiceEndpoints } from '../objects/model.ts';
import { encodeName, recordTypes, responseCodes, type ResourceRecord, type Response } from './dns-message.ts';

const domain = 'cluster.local';
/** Seconds; CoreDNS' default for its kubernetes plugin. */
const ttl = 5;
/** ExternalName Services may name each other in circles. */
const longestChase = 8;

type Records = ReadonlyMap<string, readonly ResourceRecord[]>;

export interface Zone {
  /** `name` in lower case without the final dot; `type` from recordTypes. */
  lookup(name: string, type: number): Response;
}

/** Names outside the cluster are refused: a lab has no resolver upstream. */
export function zoneOf(cluster: Cluster): Zone {
  const records = recordsOf(cluster);
  // A Service without records (headless and empty) exists all the same.
  const owners = [...records.keys(), ...[...cluster.services.values()].map(serviceName)];
  const names = new Set([domain, ...owners.flatMap(withAncestors)]);
  return {
    lookup(name, type) {
      if (!isInDomain(name)) return { code: responseCodes.refused, answers: [] };
      const answers = chase(records, name, type);
      if (answers.length > 0) return { code: responseCodes.ok, answers };
      return {
        code: names.has(name) ? responseCodes.ok : responseCodes.noSuchName,
        answers,
        authority: [authority],
      };
    },
  };
}

function chase(records: Records, name: string, type: number): ResourceRecord[] {
  const answers: ResourceRecord[] = [];
  let current = name;
  for (let step = 0; step < longestChase; step++) {
    const all = records.get(current) ?? [];
    answers.push(...all.filter((record) => record.type === type || type === recordTypes.ANY));
    const alias = all.find((record) => record.type === recordTypes.CNAME);
    if (!alias || type === recordTypes.CNAME || type === recordTypes.ANY) return answers;
    answers.push(alias);
    current = aliasTarget(alias);
  }
  return answers;
}

function recordsOf(cluster: Cluster): Records {
  const records = new Map<string, ResourceRecord[]>();
  const add = (record: ResourceRecord): void => {
    const list = records.get(record.name);
    if (!list) records.set(record.name, [record]);
    else if (
      !list.some((other) => other.type === record.type && Buffer.compare(other.data, record.data) === 0)
    ) {
      list.push(record);
    }
  };
  for (const pod of cluster.pods.values()) {
    for (const address of pod.addresses)
      add(addressRecord(`${dashed(address)}.${pod.namespace}.pod.${domain}`, address));
  }
  const endpoints = Map.groupBy(cluster.endpoints, (entry) => entry.service);
  for (const service of cluster.services.values()) {
    for (const record of serviceRecords(service, endpoints.get(service.key) ?? [], cluster)) add(record);
  }
  return records;
}

function serviceRecords(
  service: Service,
  endpoints: readonly ServiceEndpoints[],
  cluster: Cluster,
): ResourceRecord[] {
  const name = serviceName(service);
  if (service.type === 'ExternalName') {
    const target = (service.externalName ?? '').toLowerCase().replace(/\.$/, '');
    return isHostName(target) ? [{ name, type: recordTypes.CNAME, ttl, data: encodeName(target) }] : [];
  }
  if (!service.headless) {
    return [
      ...service.clusterIPs.map((address) => addressRecord(name, address)),
      ...service.ports.flatMap((port) => portRecord(name, port, { target: name, number: port.port })),
    ];
  }
  return endpoints.flatMap(({ port, backends }) =>
    backends.flatMap((backend) => {
      const host = `${hostLabel(backend, cluster)}.${name}`;
      return [
        addressRecord(name, backend.address),
        addressRecord(host, backend.address),
        ...portRecord(name, port, { target: host, number: backend.port }),
      ];
    }),
  );
}

function serviceName(service: Service): string {
  return `${service.name}.${service.namespace}.svc.${domain}`;
}

function hostLabel(backend: Backend, cluster: Cluster): string {
  const pod = backend.pod === undefined ? undefined : cluster.pods.get(backend.pod);
  return pod?.owner?.kind === 'StatefulSet' ? pod.name : dashed(backend.address);
}

function addressRecord(name: string, address: Address): ResourceRecord {
  const type = address.family === 4 ? recordTypes.A : recordTypes.AAAA;
  return { name, type, ttl, data: addressBytes(address) };
}

/** SRV (RFC 2782) `_port._protocol.service`, with priority 0 and weight 100. Ports without a name have none. */
function portRecord(
  service: string,
  port: ServiceEndpoints['port'],
  { target, number }: { readonly target: string; readonly number: number },
): ResourceRecord[] {
  if (port.name === undefined) return [];
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(100, 2);
  fixed.writeUInt16BE(number, 4);
  const name = `_${port.name}._${port.protocol.toLowerCase()}.${service}`;
  return [{ name, type: recordTypes.SRV, ttl, data: Buffer.concat([fixed, encodeName(target)]) }];
}

/** `10-0-0-1`, `fd00--1`: an address as one label. */
function dashed(address: Address): string {
  return address.text.replaceAll(/[.:]/g, '-');
}

/** Text of the name that a CNAME record made here points to. */
function aliasTarget(record: ResourceRecord): string {
  const labels: string[] = [];
  for (let at = 0; record.data[at]; at += 1 + (record.data[at] ?? 0)) {
    labels.push(Buffer.from(record.data).toString('latin1', at + 1, at + 1 + (record.data[at] ?? 0)));
  }
  return labels.join('.');
}

function withAncestors(name: string): string[] {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.')).filter(isInDomain);
}

function isInDomain(name: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

function isHostName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length < 254 &&
    name.split('.').every((label) => label.length > 0 && label.length < 64)
  );
}

/** RFC 2308: goes with every answer that says that there is nothing. */
const authority: ResourceRecord = {
  name: domain,
  type: recordTypes.SOA,
  ttl,
  data: Buffer.concat([
    encodeName(`ns.dns.${domain}`),
    encodeName(`hostmaster.${domain}`),
    // Serial, refresh, retry, expire and how long an absence may be remembered.
    ...[1, 7200, 1800, 86_400, ttl].map((value) => {
      const field = Buffer.alloc(4);
      field.writeUInt32BE(value);
      return field;
    }),
  ]),
};
