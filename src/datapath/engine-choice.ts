/** Which engine enforces: as somebody wants it, or the one that this machine is best at. */

export const engineNames = ['ebpf', 'nftables'] as const;
export type EngineName = (typeof engineNames)[number];

/** What can be asked for. */
export const engineWishes = ['auto', ...engineNames] as const;
export type EngineWish = (typeof engineWishes)[number];

export interface EngineChoice {
  readonly engine: EngineName;
  /** A clause that follows "because". */
  readonly why: string;
}

/** `ebpfLacks`: what keeps the eBPF engine from this machine, in words; undefined: nothing. */
export function chooseEngine(wish: EngineWish, ebpfLacks: string | undefined): EngineChoice {
  if (wish !== 'auto') return { engine: wish, why: 'it was asked for' };
  if (ebpfLacks === undefined)
    return { engine: 'ebpf', why: 'the kernel runs BPF programs at netfilter hooks' };
  return { engine: 'nftables', why: ebpfLacks };
}
