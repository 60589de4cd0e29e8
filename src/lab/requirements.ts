/** What a lab needs of the machine, checked before anything is touched; each absence has its remedy. */
import { accessSync, constants } from 'node:fs';
import type { EngineChoice, EngineWish } from '../datapath/engine-choice.ts';
import { BulkheadError, failure } from '../errors.ts';
import { chooseNodeEngine } from '../agent/node-datapath.ts';

/** Commands that are run, by the Debian package that has them. */
const tools = { ip: 'iproute2', nft: 'nftables' } as const;

/** Throws BulkheadError LAB_NOT_ROOT. */
export function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new BulkheadError(
    failure(
      'LAB_NOT_ROOT',
      'a lab makes network namespaces and sets rules in the kernel, which only root may do',
      {
        hint: 'Run the command with sudo. What needs no root: bulkhead check, matrix, explain.',
      },
    ),
  );
}

/** What will enforce. Throws BulkheadError LAB_NOT_ROOT, BPF_… or LAB_TOOL_MISSING (for all tools at once). */
export function requireLabMachine(wish: EngineWish = 'ebpf'): EngineChoice {
  requireRoot();
  const choice = chooseNodeEngine(wish);
  const missing = Object.entries(tools).filter(([tool]) => !isInstalled(tool));
  if (missing.length === 0) return choice;
  throw new BulkheadError(
    missing.map(([tool, debianPackage]) =>
      failure('LAB_TOOL_MISSING', `the command "${tool}" is not installed`, {
        hint: `Install it: apt-get install ${debianPackage}`,
      }),
    ),
  );
}

function isInstalled(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/${tool}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
