/** Runs cases on an engine and says what agreed and what did not. */
import { BulkheadError, failure } from '../errors.ts';
import { translatePolicies } from '../dialects/translate.ts';
import type { Cluster } from '../objects/model.ts';
import { assembleCluster } from '../sources/assemble.ts';
import type { Case, Refusal, Stack, Step } from './case.ts';
import { stacks } from './case.ts';
import { cellsOf } from './cells.ts';
import type { Cell } from './cells.ts';
import type { Corpus } from './corpus.ts';
import type { Answer, Engine, EngineSession, Via } from './engine.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly engine: Engine;
  readonly corpus: Corpus;
  readonly stacks: readonly Stack[];
  readonly via: Via;
  readonly onProgress?: (text: string) => void;
  /** Ends the run between two cases; whatever is there is taken down. */
  readonly signal?: AbortSignal;
}

/** One case on one stack. */
export interface CaseResult {
  readonly case: Case;
  readonly stack: Stack;
  /** `failed` if any cell or refusal differs; `skipped` if nothing could be judged. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Cells that agreed. */
  readonly agreed: number;
  readonly differences: readonly Difference[];
  /** Cells that this engine could not judge here, by reason. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly ms: number;
}

export type Difference =
  | {
      readonly kind: 'cell';
      readonly step: number;
      readonly cell: Cell;
      readonly answer: Exclude<Answer, { verdict: 'skipped' }>;
    }
  /** The case itself could not be carried out. */
  | { readonly kind: 'error'; readonly step: number; readonly message: string };

/**
 * Results in the order in which they were run: stack by stack, cases in the order of the corpus. Throws BulkheadError
 * CONFORMANCE_VIA_UNUSED, CONFORMANCE_INTERRUPTED, or what the engine lacks here.
 */
export async function runCorpus(options: RunOptions): Promise<readonly CaseResult[]> {
  const { engine, via } = options;
  if (via !== 'pod-ip' && !engine.sendsPackets) {
    throw new BulkheadError(
      failure('CONFORMANCE_VIA_UNUSED', `${engine.name} sends no packets, so they can't go by ${via}`, {
        hint: 'Leave --via out, or use an engine that begins with lab-.',
      }),
    );
  }
  const results: CaseResult[] = [];
  for (const stack of options.stacks) {
    const cases = options.corpus.cases.filter((given) => given.stacks.includes(stack));
    if (cases.length > 0) results.push(...(await runStack(cases, stack, options)));
  }
  return results;
}

async function runStack(cases: readonly Case[], stack: Stack, options: RunOptions): Promise<CaseResult[]> {
  const { engine, corpus, via, signal, onProgress = () => undefined } = options;
  const nodes = [...corpus.models.nodes.keys()];
  const session = await engine.open({ families: stacks[stack], nodes, via, onProgress });
  try {
    const results: CaseResult[] = [];
    for (const [index, given] of cases.entries()) {
      if (signal?.aborted)
        throw new BulkheadError(failure('CONFORMANCE_INTERRUPTED', 'the run was interrupted'));
      onProgress(`${engine.name}, ${stack}: ${index + 1} of ${cases.length}, ${given.id}`);
      results.push(await new CaseRun({ given, stack, corpus, session, via }).run());
    }
    return results;
  } finally {
    await session.close();
  }
}

interface CaseRunOptions {
  readonly given: Case;
  readonly stack: Stack;
  readonly corpus: Corpus;
  readonly session: EngineSession;
  readonly via: Via;
}

class CaseRun {
  readonly #options: CaseRunOptions;
  readonly #differences: Difference[] = [];
  readonly #skipped = new Map<string, number>();
  #world: World;
  #cluster: Cluster | undefined;
  #agreed = 0;

  constructor(options: CaseRunOptions) {
    this.#options = options;
    this.#world = World.before(options.given, options.corpus.models, options.stack);
  }

  async run(): Promise<CaseResult> {
    const { given, stack, via } = this.#options;
    const started = performance.now();
    if (via === 'service-name' && !given.dns) this.#skip('its policies do not let pods ask the DNS', 1);
    else await this.#runSteps(given.steps);
    const differences = this.#differences;
    const outcome = differences.length > 0 ? 'failed' : this.#agreed > 0 ? 'passed' : 'skipped';
    const ms = performance.now() - started;
    return { case: given, stack, outcome, agreed: this.#agreed, differences, skipped: this.#skipped, ms };
  }

  async #runSteps(steps: readonly Step[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      try {
        await this.#runStep(step, index + 1);
      } catch (error) {
        if (!(error instanceof BulkheadError)) throw error;
        this.#differences.push({ kind: 'error', step: index + 1, message: error.message });
        return;
      }
    }
  }

  async #runStep(step: Step, number: number): Promise<void> {
    const { given, session } = this.#options;
    for (const change of step.changes) this.#world = this.#world.apply(change);
    for (const refusal of step.refused) this.#refuse(refusal, number);
    const objects = this.#world.objects();
    const { families } = this.#world;
    const cluster = assembleCluster(objects, { families, nodes: 0 }, this.#cluster);
    this.#cluster = cluster;
    await session.apply({ objects, cluster, policies: translatePolicies(cluster) });
    const cells = cellsOf(given, step, { world: this.#world, cluster });
    const answers = await session.judge(cells);
    for (const [index, cell] of cells.entries()) this.#compare(cell, answers[index], number);
  }

  #compare(cell: Cell, answer: Answer | undefined, step: number): void {
    if (!answer) throw new Error('the engine left a question unanswered');
    if (answer.verdict === 'skipped') this.#skip(answer.reason, 1);
    else if (answer.verdict === cell.expected) this.#agreed += 1;
    else this.#differences.push({ kind: 'cell', step, cell, answer });
  }

  /** Counts as one cell. */
  #refuse({ change, because }: Refusal, step: number): void {
    const name = `${change.verb} ${change.kind} ${change.name}`;
    try {
      this.#world.apply(change);
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      if (error.message.includes(because)) this.#agreed += 1;
      else {
        const message = `${name}: refused, but for another reason than "${because}": ${error.message}`;
        this.#differences.push({ kind: 'error', step, message });
      }
      return;
    }
    this.#differences.push({ kind: 'error', step, message: `${name}: not refused, though ${because}` });
  }

  #skip(reason: string, cells: number): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + cells);
  }
}
