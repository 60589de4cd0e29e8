/** Runs cases on an engine and says what agreed and what did not. */
import { BulkheadError, failure } from '../errors.ts';
import { translatePolicies } from '../dialects/translate.ts';
import type { Cluster } from '../objects/model.ts';
import { assembleCluster } from '../sources/assemble.ts';
import type { Case, Change, Refusal, Stack, Step } from './case.ts';
import { stacks } from './case.ts';
import { cellsOf } from './cells.ts';
import type { Cell } from './cells.ts';
import type { Corpus } from './corpus.ts';
import { Unsuitable, type Answer, type Engine, type EngineSession, type Via } from './engine.ts';
import type { Models } from './models.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly engine: Engine;
  readonly corpus: Corpus;
  readonly stacks: readonly Stack[];
  readonly via: Via;
  /** How many sessions share the cases. */
  readonly parallel?: number;
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
  if (via !== 'pod-ip' && !engine.callsServices) {
    throw new BulkheadError(
      failure('CONFORMANCE_VIA_UNUSED', `${engine.name} can't call pods by ${via}`, {
        hint: 'Leave --via out, or use an engine that begins with lab-.',
      }),
    );
  }
  const results: CaseResult[] = [];
  for (const stack of options.stacks) {
    const cases = options.corpus.cases.filter((given) => given.stacks.includes(stack));
    results.push(...(await runStack(cases, stack, options)));
  }
  return results;
}

/** Each session takes the next case that nobody has begun. */
async function runStack(cases: readonly Case[], stack: Stack, options: RunOptions): Promise<CaseResult[]> {
  const queue = [...cases.entries()];
  const results: CaseResult[] = [];
  const failed = new AbortController();
  const take = (): [index: number, given: Case] | undefined =>
    failed.signal.aborted ? undefined : queue.shift();
  const sessions = Math.min(options.parallel ?? 1, cases.length);
  const runs = Array.from({ length: sessions }, async () => {
    const session = {
      take,
      total: cases.length,
      put: (index: number, one: CaseResult) => (results[index] = one),
    };
    await runSession(session, stack, options).catch((error: unknown) => {
      failed.abort();
      throw error;
    });
  });
  // Every session is closed before an error is passed on.
  for (const outcome of await Promise.allSettled(runs)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  return results;
}

interface Queue {
  readonly take: () => [index: number, given: Case] | undefined;
  readonly put: (index: number, result: CaseResult) => void;
  readonly total: number;
}

async function runSession(queue: Queue, stack: Stack, options: RunOptions): Promise<void> {
  const { engine, corpus, via, signal, onProgress = () => undefined } = options;
  const nodes = [...corpus.models.nodes.keys()];
  const session = await engine.open({
    families: stacks[stack],
    models: corpus.models,
    nodes,
    via,
    onProgress,
  });
  try {
    for (let next = queue.take(); next; next = queue.take()) {
      const [index, given] = next;
      if (signal?.aborted)
        throw new BulkheadError(failure('CONFORMANCE_INTERRUPTED', 'the run was interrupted'));
      onProgress(`${engine.name}, ${stack}: ${index + 1} of ${queue.total}, ${given.id}`);
      queue.put(index, await new CaseRun({ given, stack, models: corpus.models, session, via }).run());
    }
  } finally {
    await session.close();
  }
}

interface CaseRunOptions {
  readonly given: Case;
  readonly stack: Stack;
  readonly models: Models;
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
    this.#world = World.before(options.given, options.models, options.stack);
  }

  async run(): Promise<CaseResult> {
    const { given, stack, via } = this.#options;
    const started = performance.now();
    if (via === 'service-name' && !given.dns) this.#skip('its policies do not let pods ask the DNS', 1);
    else await this.#runHere();
    const differences = this.#differences;
    const outcome = differences.length > 0 ? 'failed' : this.#agreed > 0 ? 'passed' : 'skipped';
    const ms = performance.now() - started;
    return { case: given, stack, outcome, agreed: this.#agreed, differences, skipped: this.#skipped, ms };
  }

  async #runHere(): Promise<void> {
    const { given, session, stack } = this.#options;
    try {
      const models = await session.prepare?.(given);
      if (models) this.#world = World.before(given, models, stack);
      await this.#runSteps(given.steps);
    } catch (error) {
      if (!(error instanceof Unsuitable)) throw error;
      this.#skip(error.message, 1);
    }
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
    for (const refusal of step.refused) await this.#refuse(refusal, number);
    const objects = this.#world.objects();
    const policyManifests = this.#world.policyManifests();
    const { families } = this.#world;
    const cluster = assembleCluster(objects, { families, nodes: 0 }, this.#cluster);
    this.#cluster = cluster;
    await session.apply({ objects, policyManifests, cluster, policies: translatePolicies(cluster) });
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
  async #refuse({ change, because }: Refusal, step: number): Promise<void> {
    const name = `${change.verb} ${change.kind} ${change.name}`;
    const { session } = this.#options;
    const reason = session.refusal ? await session.refusal(change) : this.#refusal(change);
    if (reason?.includes(because)) this.#agreed += 1;
    else {
      const what =
        reason === undefined
          ? `not refused, though ${because}`
          : `refused, but for another reason than "${because}": ${reason}`;
      this.#differences.push({ kind: 'error', step, message: `${name}: ${what}` });
    }
  }

  /** By our own decoder. */
  #refusal(change: Change): string | undefined {
    try {
      this.#world.apply(change);
      return undefined;
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      return error.message;
    }
  }

  #skip(reason: string, cells: number): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + cells);
  }
}
