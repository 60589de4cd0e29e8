import type { MatrixReport, ReportPair, ReportPoint } from '../../matrix-report.ts';
import type { MatrixView, ViewCell, ViewPoint } from './view.ts';

/** The report as a picture or table shows it; a pod to itself, which is always allowed, is left blank. */
export function viewOf(report: MatrixReport): MatrixView {
  const pairs = new Map(report.pairs.map((pair) => [`${pair.from} ${pair.to}`, pair]));
  const cells = report.points.map((from) =>
    report.points.map((to): ViewCell => {
      const pair = pairs.get(`${from.id} ${to.id}`);
      const itself = from === to && from.pods.length < 2;
      return !pair || itself ? { state: 'na', allowed: [], denied: [] } : cellOf(pair);
    }),
  );
  return { points: report.points.map(pointOf), cells, summary: summaryText(report) };
}

function cellOf({ verdict, allowed, denied }: ReportPair): ViewCell {
  return { state: verdict, allowed, denied };
}

function pointOf({ kind, namespace, name, controller, pods, ports }: ReportPoint): ViewPoint {
  const detail =
    kind === 'external'
      ? 'outside the cluster'
      : controller
        ? `${controller}, ${plural(pods.length, 'pod')}`
        : 'Pod';
  return { name, group: namespace ?? 'outside', detail, ports };
}

function summaryText({ by, summary: { points, pods, workloads, pairs, all, some } }: MatrixReport): string {
  const apart = points > workloads ? ', one by one where replicas differ' : '';
  const what =
    by === 'pod' ? plural(pods, 'pod') : `${plural(workloads, 'workload')} (${plural(pods, 'pod')}${apart})`;
  const partly = some === 0 ? '' : `, ${some} of them on some ports only`;
  return `${what}: ${all + some} of ${plural(pairs, 'pair')} may talk${partly}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
