/** Keeps the CNI plugin on the node and in its chain, for as long as the agent lives; says whether it is. */
import { existsSync } from 'node:fs';
import { BulkheadError } from '../../errors.ts';
import type { Condition } from '../health.ts';
import type { Logger } from '../log.ts';
import { agentPaths } from '../options.ts';
import type { AgentOptions } from '../options.ts';
import { joinCniChain, leaveCniChain } from './cni-chain.ts';
import { gateProgramPath, installGateProgram, removeGateProgram } from './gate-program.ts';

type Options = Pick<AgentOptions, 'cniDirectory' | 'cniPluginDirectory' | 'runDirectory' | 'bpffs'>;

export class GateKeeper {
  readonly #options: Options;
  readonly #logger: Logger;
  #isCurrent = false;

  constructor(options: Options, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** To be called now and then, once gate.sock is there: from then on pods wait for what it answers. */
  keep(): Omit<Condition, 'since'> {
    const { cniDirectory, cniPluginDirectory } = this.#options;
    try {
      // The version of this agent once; later only that it is there, whatever became of the folder.
      if (!this.#isCurrent || !existsSync(gateProgramPath(cniPluginDirectory))) {
        const isNew = installGateProgram(cniPluginDirectory);
        if (isNew) this.#logger.log('info', 'installed the CNI plugin', { directory: cniPluginDirectory });
        this.#isCurrent = true;
      }
      if (joinCniChain(cniDirectory, agentPaths(this.#options).gateSocket)) {
        this.#logger.log('info', 'joined the chain of CNI plugins', { directory: cniDirectory });
      }
      return { ok: true, reason: 'Installed', message: 'pods start once their policies are in the kernel' };
    } catch (error) {
      const [first] = error instanceof BulkheadError ? error.diagnostics : [];
      const message = first ? `${first.message}. ${first.hint}` : String(error);
      return { ok: false, reason: first?.code ?? 'GATE_NOT_INSTALLED', message };
    }
  }
}

/** Out of the chain first: what no runtime asks for any more can go. */
export function removeGate({
  cniDirectory,
  cniPluginDirectory,
}: Pick<Options, 'cniDirectory' | 'cniPluginDirectory'>): readonly string[] {
  const files = leaveCniChain(cniDirectory);
  removeGateProgram(cniPluginDirectory);
  return files;
}
