/** The oracle: the policies' definition, evaluated flow by flow. */
import { evaluate } from '../../policy/evaluate.ts';
import type { Engine, EngineState } from '../engine.ts';

export const reference: Engine = {
  name: 'reference',
  summary: 'the reference evaluator',
  callsServices: false,
  open: async () => {
    let state: EngineState | undefined;
    return {
      apply: async (next) => {
        state = next;
      },
      judge: async (questions) => {
        if (!state) throw new Error('nothing has been applied');
        const { cluster, policies } = state;
        return questions.map(({ flow }) => {
          return { verdict: evaluate(cluster, policies, flow).allowed ? 'allowed' : 'denied' };
        });
      },
      close: async () => undefined,
    };
  },
};
