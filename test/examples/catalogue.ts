/** Every example with what must come out of it. */
import { readdirSync } from 'node:fs';

export interface Example {
  readonly name: string;
  /** What to give to a command, relative to the repository. */
  readonly paths: readonly string[];
  /** The file with the expected verdicts. */
  readonly expectation: string;
}

const edge = 'examples/edge';
const recipes = readdirSync(new URL(`../../${edge}/recipes`, import.meta.url)).toSorted();

export const examples: readonly Example[] = [
  ...['frontend-backend', 'shop', 'legacy'].map((name) => ({
    name,
    paths: [`examples/${name}`],
    expectation: `examples/${name}/expected.csv`,
  })),
  { name: 'edge, no policy', paths: [`${edge}/base`], expectation: `${edge}/expected/base.csv` },
  { name: 'edge, all recipes', paths: [edge], expectation: `${edge}/expected/all.csv` },
  ...recipes.map((file) => ({
    name: `edge, recipe ${file.replace('.yaml', '')}`,
    paths: [`${edge}/base`, `${edge}/recipes/${file}`],
    expectation: `${edge}/expected/${file.replace('.yaml', '.csv')}`,
  })),
];
