/** The compiled program, looked up in software. One compiler for all cases, as in a cluster that changes. */
import { Compiler } from '../../compiler/compiler.ts';
import { lookup } from '../../compiler/lookup.ts';
import type { Program } from '../../compiler/program.ts';
import type { Engine } from '../engine.ts';

export const compiled: Engine = {
  name: 'compiled',
  summary: 'the compiled tables, looked up in software',
  callsServices: false,
  open: async () => {
    const compiler = new Compiler();
    let program: Program | undefined;
    return {
      apply: async ({ cluster, policies }) => {
        program = compiler.compile(cluster, policies);
      },
      judge: async (questions) => {
        const current = program;
        if (!current) throw new Error('nothing has been applied');
        return questions.map(({ flow }) => ({
          verdict: lookup(current, flow).allowed ? 'allowed' : 'denied',
        }));
      },
      close: async () => undefined,
    };
  },
};
