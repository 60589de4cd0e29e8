import type { Versions } from '../version.ts';

export function renderVersions({ bulkhead, node, kernel, platform }: Versions): string {
  return `bulkhead ${bulkhead} (Node.js ${node}, kernel ${kernel}, ${platform})\n`;
}
