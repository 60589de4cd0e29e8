/** What the maps are made for. */
import type { TableCapacity } from '../table-capacity.ts';

export interface Capacity extends TableCapacity {
  /** Bytes of the event ring: a power of two, at least a page. */
  readonly eventBytes: number;
  /** Verdicts kept for the packets that follow, of 64 bytes each: a power of two; 0: none. */
  readonly cachedVerdicts: number;
}

export const defaultCapacity: Capacity = {
  addresses: 131_072,
  cidrs: 16_384,
  subjects: 4096,
  classes: 131_072,
  ports: 131_072,
  rules: 65_536,
  eventBytes: 1 << 20,
  cachedVerdicts: 65_536,
};
