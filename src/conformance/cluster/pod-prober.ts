/** Asks pods who reaches whom: one exec per source, all sources at once. */
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { execInPod } from '../../kubernetes/exec.ts';
import type { Answer, Question } from '../engine.ts';
import type { LivePod } from './pod-pool.ts';
import { container, hostnameOf } from './pod-spec.ts';
import { probeCommand, readOutcomes, type ShellOutcome, type ShellProbe } from './shell-probe.ts';

/** A question that a pod can be asked. */
export interface PodQuestion {
  readonly question: Question;
  readonly from: LivePod;
  readonly probe: ShellProbe;
}

/** Answers in the order of the questions. */
export async function askPods(
  client: KubernetesClient,
  questions: readonly PodQuestion[],
  timeoutMs: number,
): Promise<readonly Answer[]> {
  const answers = new Map<PodQuestion, Answer>();
  const bySource = Map.groupBy(questions, ({ from }) => from);
  await Promise.all(
    [...bySource].map(async ([from, members]) => {
      const probes = members.map(({ probe }) => probe);
      const outcomes = await probeFrom(client, from, { probes, timeoutMs });
      for (const [index, member] of members.entries())
        answers.set(member, answerOf(member.question, outcomes[index] ?? { outcome: 'silent' }));
    }),
  );
  return questions.map((question) => answers.get(question) ?? { verdict: 'denied' });
}

async function probeFrom(
  client: KubernetesClient,
  { namespace, name }: LivePod,
  { probes, timeoutMs }: { readonly probes: readonly ShellProbe[]; readonly timeoutMs: number },
): Promise<readonly ShellOutcome[]> {
  const output = { stdout: '', stderr: '' };
  await execInPod(client, {
    namespace,
    pod: name,
    container,
    command: probeCommand(probes, timeoutMs),
    stdout: (chunk) => (output.stdout += chunk.toString()),
    stderr: (chunk) => (output.stderr += chunk.toString()),
  });
  return readOutcomes(probes, output);
}

/** Denied is silence. A refusal comes from the destination itself, so it was reached; but only where nobody serves. */
function answerOf({ to, port }: Question, outcome: ShellOutcome): Answer {
  const serves =
    to.kind === 'pod' &&
    to.pod.ports.some((one) => one.protocol === port.protocol && one.containerPort === port.port);
  switch (outcome.outcome) {
    case 'silent':
      return { verdict: 'denied' };
    case 'failed':
      return { verdict: 'wrong', detail: `failed: ${outcome.detail}` };
    case 'refused':
      if (!serves) return { verdict: 'allowed' };
      return { verdict: 'wrong', detail: 'was refused, though somebody serves there' };
    case 'open': {
      const isOther = serves && !hostnameOf(to.name).startsWith(outcome.answer);
      if (isOther) return { verdict: 'wrong', detail: `was answered by ${outcome.answer}` };
      return { verdict: 'allowed' };
    }
  }
}
