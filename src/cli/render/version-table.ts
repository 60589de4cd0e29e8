import type { Versions } from '../commands/version.ts';

export function renderVersions({ bulkhead, node, kernel, platform }: Versions): string {
  return `bulkhead ${bulkhead} (Node.js ${node}, kernel ${kernel}, ${platform})\n`;
}
