/** Cases that need what nobody can tell a cluster's API. */
import type { Case, Change } from '../case.ts';

/** Why it can't be run; undefined if it can. */
export function reasonAgainst(given: Case): string | undefined {
  const changes = given.steps.flatMap((step) => step.changes);
  for (const change of changes) {
    const reason = reasonAgainstChange(change);
    if (reason !== undefined) return reason;
  }
  const hosts = changes.flatMap((change) =>
    change.kind === 'pod' && 'body' in change && change.body.host !== undefined
      ? [`${change.body.node}/${change.body.host}`]
      : [],
  );
  if (new Set(hosts).size < hosts.length) return 'its pods use an address again';
  if (given.probe.every(({ protocol }) => protocol === 'SCTP' || protocol === 'ICMP'))
    return 'pods send only TCP and UDP';
  return undefined;
}

function reasonAgainstChange(change: Change): string | undefined {
  if (!('body' in change)) return undefined;
  if (change.kind === 'policy') {
    const isServed = change.body.apiVersion === 'networking.k8s.io/v1';
    return isServed ? undefined : `the API server knows no ${change.body.apiVersion}`;
  }
  if (change.body.hostNetwork === true) return 'it has pods of the host network';
  if (change.body.phase !== undefined) return "a pod's phase is the kubelet's";
  return undefined;
}
