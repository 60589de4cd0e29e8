/** All attacks. */
import { agents } from './agents.ts';
import type { Campaign } from './attack.ts';
import { connections } from './connections.ts';
import { exhaustion } from './exhaustion.ts';
import { headers } from './headers.ts';
import { links } from './links.ts';
import { lifecycles } from './lifecycles.ts';
import { bigNumbers } from './numbers.ts';
import { ownTables } from './overflow.ts';
import { selectors } from './selectors.ts';
import { services } from './services.ts';
import { sources } from './sources.ts';

export const campaigns: readonly Campaign[] = [
  sources,
  connections,
  headers,
  links,
  services,
  selectors,
  lifecycles,
  agents,
  exhaustion,
  ownTables,
  bigNumbers,
];
