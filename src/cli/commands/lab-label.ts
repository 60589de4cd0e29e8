import { Argument, Option, type Command } from 'commander';
import { BulkheadError, failure } from '../../errors.ts';
import { checkLabelKey, checkLabelValue } from '../../objects/names.ts';
import { defineCommand, type Session } from '../command.ts';
import type { ChangeReport } from '../lab-reports.ts';
import { changeFormats, changeLab } from './lab-change.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface LabelOptions extends LabOptions {
  readonly namespace: string;
}

const kinds: Readonly<Record<string, 'Pod' | 'Namespace'>> = {
  pod: 'Pod',
  pods: 'Pod',
  po: 'Pod',
  namespace: 'Namespace',
  namespaces: 'Namespace',
  ns: 'Namespace',
};

export const labLabelCommand = (session: Session): Command =>
  defineCommand<LabelOptions, ChangeReport>(
    {
      name: 'label',
      summary: 'change labels of a pod or namespace of a running lab, live',
      arguments: [
        new Argument('<kind>', 'pod or ns').choices(Object.keys(kinds)),
        new Argument('<object>', 'name: namespace/pod, or a namespace'),
        new Argument('<label...>', 'key=value sets, key- removes'),
      ],
      options: [
        nameOption(),
        new Option('-n, --namespace <namespace>', 'namespace of a pod that is named without').default(
          'default',
        ),
      ],
      examples: [
        { command: 'bulkhead lab label pod shop/cart-0 role=admin', text: 'Set a label' },
        { command: 'bulkhead lab label ns shop team-', text: 'Remove one' },
      ],
      formats: changeFormats,
      run: async ({ args, options }) => {
        const [kindName = '', object = '', ...labels] = args;
        const kind = kinds[kindName] ?? 'Pod';
        const name = kind === 'Pod' && !object.includes('/') ? `${options.namespace}/${object}` : object;
        return { data: await changeLab(options.name, { op: 'label', kind, name, ...parseLabels(labels) }) };
      },
    },
    session,
  );

/** `key=value` and `key-`, as kubectl label takes them. Throws BulkheadError LAB_LABEL_INVALID. */
export function parseLabels(texts: readonly string[]): { set: Record<string, string>; remove: string[] } {
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals > 0) set[checkKey(text.slice(0, equals), text)] = checkValue(text.slice(equals + 1), text);
    else if (equals < 0 && text.endsWith('-')) remove.push(checkKey(text.slice(0, -1), text));
    else throw invalid(text, 'it is neither key=value nor key-');
  }
  return { set, remove };
}

function checkKey(key: string, text: string): string {
  const [problem] = checkLabelKey(key);
  if (problem) throw invalid(text, problem);
  return key;
}

function checkValue(value: string, text: string): string {
  const [problem] = checkLabelValue(value);
  if (problem) throw invalid(text, problem);
  return value;
}

function invalid(text: string, why: string): BulkheadError {
  return new BulkheadError(
    failure('LAB_LABEL_INVALID', `${text}: ${why}`, {
      hint: 'Write key=value to set a label, key- to remove it.',
    }),
  );
}
