/** Many probes from one pod in one exec, by nothing but bash: it opens TCP and UDP connections itself. */
import type { Protocol } from '../../objects/model.ts';

export interface ShellProbe {
  readonly protocol: Exclude<Protocol, 'SCTP'>;
  readonly address: string;
  readonly port: number;
}

export type ShellOutcome =
  /** `answer`: what the server calls itself; of a datagram just the first letter, since bash reads letter by letter. */
  | { readonly outcome: 'open'; readonly answer: string }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'silent' }
  /** Neither an answer nor silence: no route, say. */
  | { readonly outcome: 'failed'; readonly detail: string };

/**
 * Each probe is a process of its own, and a watchdog ends those that are still waiting; it reads from where nothing comes,
 * since there may be no sleep(1). Everything is waited for: the first process of a container may not do it. A connection that
 * can't be opened makes bash say so with the connection's name and ends the process; so that is read, too.
 */
const script = `
limit=$1; shift
exec 9<>/dev/udp/127.0.0.1/9
probe() {
  exec 3<>"/dev/$1" || exit
  case $1 in
    tcp/*)
      echo "$1 open"
      printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' >&3
      while IFS= read -r -u 3 line; do :; done
      ;;
    udp/*)
      printf hostname >&3
      IFS= read -r -N 1 -u 3 line || { echo "$1 refused"; exit; }
      echo "$1 open"
      ;;
  esac
  echo "$1 answer $line"
}
pids=
for target; do probe "$target" & pids="$pids $!"; done
{ read -r -t "$limit" -u 9; kill -9 $pids; } 2>/dev/null &
wait $pids
kill $! 2>/dev/null
wait
exit 0`;

export function probeCommand(probes: readonly ShellProbe[], timeoutMs: number): readonly string[] {
  return ['bash', '-c', script, 'probe', String(timeoutMs / 1000), ...probes.map(targetOf)];
}

/** In the order of the probes. */
export function readOutcomes(
  probes: readonly ShellProbe[],
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): readonly ShellOutcome[] {
  const said = new Map<string, ShellOutcome>();
  for (const [, target = '', detail = ''] of stderr.matchAll(complaint))
    said.set(target, detail === 'Connection refused' ? { outcome: 'refused' } : failed(detail));
  for (const line of stdout.split('\n')) {
    const [target = '', what, answer = ''] = line.split(' ');
    if (what === 'refused') said.set(target, { outcome: 'refused' });
    else if (what === 'open' || what === 'answer') said.set(target, { outcome: 'open', answer });
  }
  return probes.map((probe) => said.get(targetOf(probe)) ?? { outcome: 'silent' });
}

/** `probe: line 5: /dev/tcp/10.0.0.1/80: Connection refused` */
const complaint = /: \/dev\/((?:tcp|udp)\/\S+\/\d+): (.+)/g;

function failed(detail: string): ShellOutcome {
  // The kernel's own patience may be shorter than ours.
  return /timed out/.test(detail) ? { outcome: 'silent' } : { outcome: 'failed', detail };
}

function targetOf({ protocol, address, port }: ShellProbe): string {
  return `${protocol.toLowerCase()}/${address}/${port}`;
}
