/** Options of the commands that work on a node: where on it things are, and how to reach the API server from it. */
import { InvalidArgumentError, Option } from 'commander';

export interface NodePlaceOptions {
  readonly nodeName?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly datapath: 'auto' | 'ebpf' | 'nftables';
  readonly runDir: string;
  readonly bpffs: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly podInterfaces: string;
}

export function nodePlaceOptions(): readonly Option[] {
  return [
    new Option('--node-name <name>', 'the Node that this is (default: the host name)')
      .env('NODE_NAME')
      .argParser(parseText),
    new Option(
      '--kubeconfig <file>',
      "how to reach the API server (default: KUBECONFIG, else ~/.kube/config, else the pod's service account)",
    ),
    new Option('--context <name>', 'context of the kubeconfig'),
    new Option('--datapath <engine>', 'what enforces').choices(['auto', 'ebpf', 'nftables']).default('auto'),
    new Option('--run-dir <directory>', 'for sockets and the lock')
      .default('/run/bulkhead')
      .argParser(parseText),
    new Option('--bpffs <directory>', 'BPF file system; mounted if there is none')
      .default('/sys/fs/bpf')
      .argParser(parseText),
    new Option('--cni-conf-dir <directory>', 'CNI configuration of the node')
      .default('/etc/cni/net.d')
      .argParser(parseText),
    new Option('--cni-bin-dir <directory>', 'CNI plugins of the node')
      .default('/opt/cni/bin')
      .argParser(parseText),
    new Option(
      '--pod-interfaces <prefix>',
      "what pods' interfaces are called; auto: as the CNI configuration says; none: unknown",
    )
      .default('auto')
      .argParser(parseText),
  ];
}

/** A variable that is not set leaves nothing behind the `=`. */
function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}
