/** Where figures go, one JSON object a line, for whoever wants to write them down: the file of `FAULTS_FIGURES`. */
import { appendFileSync } from 'node:fs';

const file = process.env['FAULTS_FIGURES'];

export function recordFigure(figure: object): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figure)}\n`);
}
