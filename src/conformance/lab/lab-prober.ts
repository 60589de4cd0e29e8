/** Turns questions into packets of a lab, and what comes of them into answers. */
import { netnsPath, nodeNetns, podNetns, worldNetns } from '../../lab/network/names.ts';
import { probeAll } from '../../lab/network/prober.ts';
import type { Probe, ProbeResult } from '../../lab/network/prober.ts';
import type { Address } from '../../objects/ip.ts';
import type { Cluster, Protocol } from '../../objects/model.ts';
import type { End } from '../cells.ts';
import type { Answer, Question, Via } from '../engine.ts';
import { rawProbeAll } from './raw-probe.ts';
import type { RawProbe } from './raw-probe.ts';
import { NameTable } from './name-table.ts';
import { serviceOf } from './service-of.ts';

/**
 * Milliseconds to wait for an answer, which takes a few. If something that should have been answered was not, the
 * machine may just have been busy; then silence proves nothing, and all that was silent is asked again, and longer.
 */
const timeouts = [200, 1000, 3000] as const;

/** Where packets go to reach the destination of a question. */
export interface Target {
  readonly address: Address;
  readonly port: number;
}

interface Ask {
  readonly question: Question;
  readonly target: Target;
}

export class LabProber {
  readonly #lab: string;
  readonly #via: Via;

  constructor(lab: string, via: Via) {
    this.#lab = lab;
    this.#via = via;
  }

  async judge(questions: readonly Question[], cluster: Cluster): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    const targets = await this.#targets(questions, cluster);
    let pending = [...questions.keys()].filter((index) => {
      const target = targets[index];
      if (target && 'verdict' in target) answers[index] = target;
      return target && !('verdict' in target);
    });
    for (const timeoutMs of timeouts) {
      if (pending.length === 0) break;
      const asks = pending.flatMap((index): Ask[] => {
        const [question, target] = [questions[index], targets[index]];
        return question && target && !('verdict' in target) ? [{ question, target }] : [];
      });
      const round = await this.#send(asks, timeoutMs);
      for (const [position, index] of pending.entries()) {
        const answer = round[position];
        if (answer) answers[index] = answer;
      }
      const denied = pending.filter((index) => answers[index]?.verdict === 'denied');
      const isLate = denied.some((index) => questions[index]?.expected === 'allowed');
      pending = isLate ? denied : [];
    }
    return answers;
  }

  /** Where each question's packets go, or what there is to say without any. */
  async #targets(questions: readonly Question[], cluster: Cluster): Promise<readonly (Target | Answer)[]> {
    if (this.#via === 'pod-ip')
      return questions.map(({ flow }) => ({ address: flow.destination, port: flow.port }));
    const services = questions.map((question) => serviceOf(question, cluster));
    const names =
      this.#via === 'service-name'
        ? await NameTable.lookUp(
            questions.flatMap(({ from, family, flow }, index) => {
              const service = from.kind === 'outside' ? undefined : services[index];
              return service
                ? [{ netns: this.#netns(from), source: flow.source, name: service.name, family }]
                : [];
            }),
            cluster,
          )
        : undefined;
    return questions.map(({ from, family }, index): Target | Answer => {
      const service = services[index];
      if (!service || from.kind === 'outside')
        return { verdict: 'skipped', reason: 'no Service leads there' };
      if (!names) return service;
      const address = names.addressOf(this.#netns(from), service.name, family);
      // Without an answer from the DNS there is nothing to send; to the pod that is a denial.
      return address ? { address, port: service.port } : { verdict: 'denied' };
    });
  }

  async #send(asks: readonly Ask[], timeoutMs: number): Promise<readonly (Answer | undefined)[]> {
    const isRaw = ({ question: { port } }: Ask) => port.protocol === 'SCTP' || port.protocol === 'ICMP';
    const [raw, plain] = [asks.filter(isRaw), asks.filter((ask) => !isRaw(ask))];
    const [arrived, results] = await Promise.all([
      rawProbeAll(
        raw.flatMap((ask) => this.#rawProbe(ask)),
        timeoutMs,
      ),
      probeAll(
        plain.flatMap((ask) => this.#probe(ask)),
        { timeoutMs },
      ),
    ]);
    const answers = new Map<Ask, Answer>();
    for (const [index, ask] of raw.entries())
      answers.set(ask, { verdict: arrived[index] ? 'allowed' : 'denied' });
    for (const [index, ask] of plain.entries()) {
      const result = results[index];
      if (result) answers.set(ask, answerOf(ask.question, result));
    }
    return asks.map((ask) => answers.get(ask));
  }

  #rawProbe({ question, target }: Ask): RawProbe[] {
    const { port, flow, from, to } = question;
    if (port.protocol !== 'SCTP' && port.protocol !== 'ICMP') return [];
    const ends = { from: this.#netns(from), to: this.#netns(to) };
    return [
      {
        ...ends,
        source: flow.source,
        destination: target.address,
        protocol: port.protocol,
        port: target.port,
      },
    ];
  }

  #probe({ question, target }: Ask): Probe[] {
    const { port, flow, from } = question;
    if (port.protocol === 'ICMP') return [];
    const { protocol } = port;
    return [
      {
        netnsPath: this.#netns(from),
        source: flow.source,
        destination: target.address,
        protocol,
        port: target.port,
      },
    ];
  }

  #netns(end: End): string {
    switch (end.kind) {
      case 'pod':
        return netnsPath(podNetns(this.#lab, end.pod));
      case 'node':
        return netnsPath(nodeNetns(this.#lab, end.node.name));
      case 'outside':
        return netnsPath(worldNetns(this.#lab));
    }
  }
}

/** Denied is silence. A refusal comes from the destination itself, so it was reached; but only where nobody serves. */
function answerOf({ to, port }: Question, { outcome, answer }: ProbeResult): Answer {
  switch (outcome) {
    case 'timeout':
      return { verdict: 'denied' };
    case 'unsupported':
      return { verdict: 'skipped', reason: `this kernel has no sockets for ${port.protocol}` };
    case 'unreachable':
      return { verdict: 'wrong', detail: 'was unreachable' };
    case 'refused':
      if (!serves(to, port)) return { verdict: 'allowed' };
      return { verdict: 'wrong', detail: 'was refused, though somebody serves there' };
    case 'open': {
      const stranger = answer !== undefined && to.kind === 'pod' && !to.pod.hostNetwork;
      if (stranger && answer !== `${to.name} ${port.protocol} ${port.port}`)
        return { verdict: 'wrong', detail: `was answered by ${answer}` };
      return { verdict: 'allowed' };
    }
  }
}

function serves(to: End, { protocol, port }: { protocol: Protocol | 'ICMP'; port: number }): boolean {
  return (
    to.kind === 'pod' && to.pod.ports.some((one) => one.protocol === protocol && one.containerPort === port)
  );
}
