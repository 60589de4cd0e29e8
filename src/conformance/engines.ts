/** All engines by name. */
import type { Engine } from './engine.ts';

/** Loaded only when they are asked for: some bind native libraries. */
export const engines = {
  reference: () => import('./engines/reference.ts').then((m) => m.reference),
  compiled: () => import('./engines/compiled.ts').then((m) => m.compiled),
  ebpf: () => import('./engines/ebpf.ts').then((m) => m.ebpf),
  nftables: () => import('./engines/nftables.ts').then((m) => m.nftables),
  'lab-ebpf': () => import('./engines/lab-ebpf.ts').then((m) => m.labEbpf),
  'lab-nftables': () => import('./engines/lab-nftables.ts').then((m) => m.labNftables),
} as const satisfies Readonly<Record<string, () => Promise<Engine>>>;

export type EngineName = keyof typeof engines;
