/**
 * Pods of an API server. They mean what a manifest's pods mean (objects/pod.ts), but are read straight from JSON:
 * thousands come at once, and of each only a fraction is needed.
 */
import type { RawObject } from '../../kubernetes/client.ts';
import { parseAddress, type Address } from '../../objects/ip.ts';
import type { ContainerPort, Pod, Protocol } from '../../objects/model.ts';
import { checkPortName, checkPortNumber } from '../../objects/names.ts';
import { isTerminal } from '../../objects/pod.ts';
import { read, type Decoded } from './decoded.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Sharing } from './sharing.ts';

const phases: readonly Pod['phase'][] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/**
 * A pod that is being deleted is as any other until it is gone or terminal, or another has its address. One whose
 * labels, network or addresses can't be read has no address: what comes from where it is, or goes there, is dropped as
 * an unknown pod's.
 */
export function decodePod(raw: RawObject, sharing: Sharing): Decoded<Pod> {
  const { object, metadata, namespace, name, file, problems } = read('pods', raw);
  const [spec, status] = [object.object('spec'), object.object('status')];
  const labels = sharing.value(metadata?.textMap('labels') ?? {});
  const hostNetwork = spec?.flag('hostNetwork') ?? false;
  const phase = readPhase(status);
  const node = sharing.text(spec?.text('nodeName') ?? '');
  const addresses = readAddresses(status);
  const uid = metadata?.object('annotations')?.text('kubernetes.io/config.hash') ?? metadata?.text('uid');
  const isReadable = problems.length === 0;
  const ports = sharing.value(readPorts(spec));
  const owner = readOwner(metadata, labels);
  return {
    object: {
      key: `${namespace}/${name}`,
      namespace: sharing.text(namespace),
      name,
      ...(uid !== undefined && isReadable ? { uid } : {}),
      labels,
      node,
      addresses: isTerminal(phase) || !isReadable ? [] : addresses,
      hostNetwork,
      phase,
      ...(metadata?.text('deletionTimestamp') === undefined ? {} : { isEnding: true as const }),
      ports,
      ...(owner ? { owner: sharing.value(owner) } : {}),
      position: { file, line: 1, column: 1 },
    },
    problems,
  };
}

function readPhase(status: ObjectReader | undefined): Pod['phase'] {
  const written = status?.text('phase');
  if (written === undefined) return 'Running';
  return phases.find((phase) => phase === written) ?? 'Unknown';
}

/** One per family; none where one of them is no address. */
function readAddresses(status: ObjectReader | undefined): Address[] {
  if (!status) return [];
  const listed = status.objects('podIPs').flatMap((item) => item.text('ip') ?? []);
  const single = status.text('podIP');
  const written = listed.length > 0 || !single ? listed : [single];
  const addresses: Address[] = [];
  for (const text of written) {
    const address = parseAddress(text);
    if (!address) status.invalid('podIPs', `${JSON.stringify(text)} is no IP address`);
    else if (!addresses.some(({ family }) => family === address.family)) addresses.push(address);
  }
  return addresses;
}

/** Of the containers, and of the init containers that keep running beside them (restartPolicy Always). */
function readPorts(spec: ObjectReader | undefined): ContainerPort[] {
  if (!spec) return [];
  const sidecars = spec
    .objects('initContainers')
    .filter((container) => container.text('restartPolicy') === 'Always');
  return [...spec.objects('containers'), ...sidecars].flatMap((container) =>
    container.objects('ports').flatMap(readPort),
  );
}

/** A port that can't be read is left out: no rule that names it then leads to it. */
function readPort(port: ObjectReader): ContainerPort[] {
  const [name, containerPort] = [port.text('name'), port.integer('containerPort')];
  const written = port.text('protocol') ?? 'TCP';
  const protocol = protocols.find((known) => known === written);
  const problems = [
    ...(containerPort === undefined ? ['there is no containerPort'] : checkPortNumber(containerPort)),
    ...(protocol ? [] : [`unknown protocol ${JSON.stringify(written)}`]),
    ...(name ? checkPortName(name) : []),
  ];
  for (const problem of problems) port.invalid('containerPort', problem);
  if (problems.length > 0 || containerPort === undefined || !protocol) return [];
  return [{ ...(name ? { name } : {}), containerPort, protocol }];
}

/** The controller; for a Deployment's pod the Deployment, which its ReplicaSet is named after. */
function readOwner(metadata: ObjectReader | undefined, labels: Pod['labels']): Pod['owner'] | undefined {
  const owners = (metadata?.objects('ownerReferences') ?? []).flatMap((owner) => {
    const [kind, name] = [owner.text('kind'), owner.text('name')];
    return kind && name ? [{ kind, name, isController: owner.flag('controller') ?? false }] : [];
  });
  const owner = owners.find(({ isController }) => isController) ?? owners[0];
  // The kubelet owns the pods that it runs from files; that is no workload.
  if (!owner || owner.kind === 'Node') return undefined;
  const suffix = `-${labels['pod-template-hash'] ?? ''}`;
  if (owner.kind === 'ReplicaSet' && suffix.length > 1 && owner.name.endsWith(suffix)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -suffix.length) };
  }
  return { kind: owner.kind, name: owner.name };
}
