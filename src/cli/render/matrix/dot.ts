/**
 * What is allowed as a Graphviz graph: a box per namespace, an edge per pair, labelled with its ports. `newrank`, since the
 * ranking that dot does otherwise fails ("trouble in init_rank") where many edges go both ways between boxes.
 */
import { axes, cellAt, groupsOf, pointLabel, type MatrixView } from './view.ts';

export function renderMatrixDot(view: MatrixView): string {
  const { rows, columns } = axes(view);
  const shown = view.points
    .map((_, index) => index)
    .filter((index) => rows.includes(index) || columns.includes(index));
  const id = (index: number): string => {
    const point = view.points[index];
    return quote(point ? pointLabel(point) : '');
  };
  const clusters = groupsOf(view, shown).map(({ group, indices }) => {
    const nodes = indices.map((index) => {
      const point = view.points[index];
      return `    ${id(index)} [label=${quote(point?.name ?? '')}, tooltip=${quote(point?.detail ?? '')}];`;
    });
    return `  subgraph ${quote(`cluster_${group}`)} {\n    label=${quote(group)};\n${nodes.join('\n')}\n  }`;
  });
  const edges = rows.flatMap((from) =>
    columns
      .filter((to) => to !== from && cellAt(view, from, to).allowed.length > 0)
      .map((to) => {
        const { state, allowed } = cellAt(view, from, to);
        const style = state === 'some' ? ', style=dashed, color="#c77700"' : '';
        return `  ${id(from)} -> ${id(to)} [label=${quote(allowed.join('\n'))}${style}];`;
      }),
  );
  return `digraph bulkhead {
  rankdir=LR;
  newrank=true;
  graph [fontname="sans-serif", style="rounded", color="#8a94a3"];
  node [fontname="sans-serif", shape=box, style="rounded,filled", fillcolor="#eef2f7", color="#8a94a3"];
  edge [fontname="sans-serif", fontsize=10, color="#12806a"];
${[...clusters, ...edges].join('\n')}
}
`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
