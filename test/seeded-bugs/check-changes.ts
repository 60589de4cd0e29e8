/** Prints what the first of the sequences of changes that `npm test` tries find, as JSON. */
import { changeTarget } from '../fuzz/changes/target.ts';
import { fuzz } from '../fuzz/fuzz.ts';

const { finding } = fuzz(changeTarget, { seed: 1, limit: { cases: 300 } });
console.log(JSON.stringify(finding ? [String(finding.error)] : []));
