/** What the kernel of this node can, as the agent would find it. */
import { existsSync, readFileSync } from 'node:fs';
import { chooseNodeEngine } from '../agent/node-datapath.ts';
import { requiredCapabilities } from '../agent/required-capabilities.ts';
import { thisMachine } from '../datapath/ebpf/requirements.ts';
import type { EngineWish } from '../datapath/engine-choice.ts';
import { BulkheadError } from '../errors.ts';
import { knowsNetfilterPrograms } from '../kernel/bpf-probe.ts';
import { isBpffs } from '../kernel/bpffs.ts';
import { missingCapabilities } from '../kernel/capabilities.ts';
import type { Finding } from './finding.ts';

export interface KernelQuestion {
  readonly engine: EngineWish;
  readonly bpffs: string;
}

export function checkKernel({ engine, bpffs }: KernelQuestion): readonly Finding[] {
  const missing = missingCapabilities(requiredCapabilities(engine));
  const capabilities = checkCapabilities(
    engine,
    missing.map((name) => `CAP_${name}`),
  );
  return [
    capabilities,
    ...(missing.length > 0 ? [] : checkEngine({ engine, bpffs })),
    checkForwarding(),
    checkConntrack(),
  ];
}

function checkCapabilities(engine: EngineWish, missing: readonly string[]): Finding {
  const check = 'capabilities';
  if (missing.length === 0) return { check, state: 'ok', result: 'this process may do what the agent does' };
  return {
    check,
    state: 'unknown',
    result: `this process lacks ${missing.join(', ')}: what follows is less than an agent would find`,
    advice: `Run it as root on the node, or in the agent's pod (${requiredCapabilities(engine).join(', ')}).`,
  };
}

function checkEngine({ engine, bpffs }: KernelQuestion): readonly Finding[] {
  const { kernel, btf } = thisMachine();
  const facts = [
    `Linux ${kernel}`,
    btf ? 'BTF' : 'no BTF',
    `${knowsNetfilterPrograms() ? '' : 'no '}netfilter BPF`,
  ];
  try {
    const choice = chooseNodeEngine(engine);
    const chosen: Finding = {
      check: 'engine',
      state: 'ok',
      result: `${choice.engine}, because ${choice.why} (${facts.join(', ')})`,
    };
    return choice.engine === 'ebpf' ? [chosen, checkBpffs(bpffs)] : [chosen];
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const [first] = error.diagnostics;
    const advice = first?.hint === undefined ? {} : { advice: first.hint };
    return [{ check: 'engine', state: 'problem', result: first?.message ?? error.message, ...advice }];
  }
}

function checkBpffs(directory: string): Finding {
  const check = 'bpffs';
  if (existsSync(directory) && isBpffs(directory))
    return { check, state: 'ok', result: `${directory} keeps programs and tables without a process` };
  return {
    check,
    state: 'problem',
    result: `${directory} is no BPF file system`,
    advice: `On the node: mount -t bpf bpf ${directory}`,
  };
}

function checkForwarding(): Finding {
  const check = 'forwarding';
  const isOn = read('/proc/sys/net/ipv4/ip_forward') === '1';
  if (isOn) return { check, state: 'ok', result: 'the node passes packets on' };
  return {
    check,
    state: 'problem',
    result: 'net.ipv4.ip_forward is off: no packet of a pod leaves it but to the node itself',
    advice: 'On the node: sysctl -w net.ipv4.ip_forward=1',
  };
}

/** A full table drops new connections, whatever policies say. */
const fullShare = 0.9;

function checkConntrack(): Finding {
  const check = 'conntrack';
  const [count, most] = ['count', 'max'].map((name) =>
    Number(read(`/proc/sys/net/netfilter/nf_conntrack_${name}`)),
  );
  if (!count && !most)
    return { check, state: 'unknown', result: 'not in use yet, or not to be seen: the agent switches it on' };
  const result = `${count} of ${most} connections`;
  if ((count ?? 0) < fullShare * (most ?? 0)) return { check, state: 'ok', result };
  return {
    check,
    state: 'warning',
    result: `${result}: once it is full, new connections are dropped`,
    advice:
      'On the node: sysctl -w net.netfilter.nf_conntrack_max=…, or the same in the configuration of kube-proxy.',
  };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
