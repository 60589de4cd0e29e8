/** What is done to manifests, on each level on which somebody or something may break one. */
import * as fc from 'fast-check';
import { arbitraryChoices } from './choice.ts';
import type { Choices } from './choice.ts';
import { mutateNodes, parseDocuments } from './node-mutations.ts';
import { mutateFields, mutateObjects } from './object-mutations.ts';
import { printYaml } from './print-yaml.ts';
import { mutateBytes, mutateTokens } from './text-mutations.ts';

export interface Mutation extends Choices {
  readonly level: 'bytes' | 'tokens' | 'nodes' | 'fields' | 'objects';
}

/** Fields more often than others: most of these leave something that can still be read. */
const levels: readonly Mutation['level'][] = ['bytes', 'tokens', 'nodes', 'fields', 'fields', 'objects'];

export const arbitraryMutation: fc.Arbitrary<Mutation> = fc
  .tuple(fc.constantFrom(...levels), arbitraryChoices)
  .map(([level, choices]) => ({ level, ...choices }));

export function mutated(bytes: Buffer, mutation: Mutation): Buffer {
  const text = bytes.toString('utf8');
  switch (mutation.level) {
    case 'bytes':
      return mutateBytes(bytes, mutation);
    case 'tokens':
      return Buffer.from(mutateTokens(text, mutation));
    case 'nodes':
      return Buffer.from(mutateNodes(text, mutation));
    case 'fields':
      return Buffer.from(mutateParsed(text, mutation, mutateFields));
    case 'objects':
      return Buffer.from(mutateParsed(text, mutation, mutateObjects));
  }
}

/** The text as it is where it can't be parsed, or the outcome not be written. */
function mutateParsed(
  text: string,
  choices: Choices,
  mutate: (objects: unknown[], choices: Choices) => void,
): string {
  try {
    const objects = parseDocuments(text).map((document): unknown => document.toJS());
    mutate(objects, choices);
    const print = choices.value % 5 === 0 ? printJson : printYaml;
    return objects.map((object) => print(object)).join('---\n');
  } catch {
    return text;
  }
}

function printJson(object: unknown): string {
  return `${JSON.stringify(object, null, 1) ?? 'null'}\n`;
}
