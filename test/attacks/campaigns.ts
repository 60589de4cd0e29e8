/** All attacks. */
import type { Campaign } from './attack.ts';
import { sources } from './sources.ts';

export const campaigns: readonly Campaign[] = [sources];
