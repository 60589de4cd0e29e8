/** What a PromQL expression asks for, by the grammar that Prometheus' own web interface uses. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Asked {
  readonly metrics: ReadonlySet<string>;
  /** Of matchers and groupings. */
  readonly labels: ReadonlySet<string>;
}

/** Throws for what is no PromQL. */
export function askedBy(expression: string): Asked {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(expression).iterate({
    enter: ({ name, from, to, node }) => {
      const text = expression.slice(from, to);
      if (node.type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(text);
      if (name === 'LabelName') labels.add(text);
    },
  });
  return { metrics, labels };
}
