/**
 * How a command of the command line is declared. See program.ts for the convention.
 */
import { Command, Option, type Argument } from 'commander';
import { BulkheadError, failure, type Diagnostic } from '../errors.ts';
import { examplesOf, mandatoryOptions } from './command-tree.ts';
import type { Context } from './context.ts';
import { printDiagnostics } from './print-diagnostics.ts';
import { terminalOf } from './terminal-of.ts';
import { progressOn, type Progress } from './progress.ts';
import type { Terminal } from './render/terminal.ts';

/** Turns a command's data into the text of one output format. */
export type Render<Data> = (data: Data, terminal: Terminal) => string;

/** Output formats by name, each loaded only when it is asked for. The first one is the default. */
export type Formats<Data> = Readonly<Record<string, () => Promise<Render<Data>>>>;

/** 0: fine, the same. 1: found something, differs. (2, an error, is what a thrown BulkheadError gives.) */
export type ExitCode = 0 | 1;

/** What a command hands back to be printed: the data on stdout, the warnings on stderr. */
export interface Result<Data> {
  readonly data: Data;
  readonly warnings?: readonly Diagnostic[];
  readonly exitCode?: ExitCode;
}

export interface Call<Options> {
  readonly context: Context;
  /** All operands, flat: `explain a b` has ['a', 'b']. */
  readonly args: readonly string[];
  readonly options: Options;
  /** The chosen output format; '' for a command without formats. */
  readonly format: string;
  /** For what a streaming command writes to stdout by itself. */
  readonly terminal: Terminal;
  readonly quiet: boolean;
  /** On a terminal, says what takes so long: `stage('reading manifests')` before each piece of work. */
  readonly progress: Progress;
}

export interface CommandSpec<Options, Data> {
  readonly name: string;
  /** One line, lower-case verb first, for the list of commands. */
  readonly summary: string;
  /** The paragraph at the top of the command's own help. */
  readonly description?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples?: readonly Example[];
  /** Absent: the command has no -o and prints by itself. */
  readonly formats?: Formats<Data>;
  /** Returns data to print, or the exit code of a command that has printed everything itself (streams, exec). */
  run(call: Call<Options>): Promise<Result<Data> | number>;
}

export interface Example {
  readonly command: string;
  readonly text: string;
}

/** The commander command of a spec. `finish` gets the exit code once everything is printed. */
export function defineCommand<Options extends object, Data = never>(
  spec: CommandSpec<Options, Data>,
  session: Session,
): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(spec.description ?? sentence(spec.summary));
  for (const argument of spec.arguments ?? []) command.addArgument(argument);
  for (const option of spec.options ?? []) {
    if (option.mandatory) mandatoryOptions.add(option.makeOptionMandatory(false));
    command.addOption(option);
  }
  const formats = Object.keys(spec.formats ?? {});
  if (formats[0] !== undefined) {
    command.addOption(
      new Option('-o, --output <format>', 'output format').choices(formats).default(formats[0]),
    );
  }
  command.option('-q, --quiet', 'no warnings and no progress');
  command.option('--no-color', 'no colours (also: NO_COLOR=1)');
  addExamples(command, spec.examples ?? []);

  return command.action(async () => {
    const { context } = session;
    requireOptions(command);
    const options = command.opts<Options & { output?: string; quiet?: boolean; color: boolean }>();
    const format = options.output ?? '';
    const terminal = terminalOf(context.stdout, context.env, options.color);
    const quiet = options.quiet === true;
    const progress = progressOn(context.stderr, quiet);
    const call = { context, args: command.args, options, format, terminal, quiet, progress };
    const result = await spec.run(call).finally(progress.done);
    if (typeof result === 'number') {
      session.exitCode = result;
      return;
    }
    const render = await spec.formats?.[format]?.();
    if (render) context.stdout.write(render(result.data, terminal));
    if (!quiet)
      await printDiagnostics(result.warnings ?? [], {
        context,
        json: format === 'json',
        colour: options.color,
      });
    session.exitCode = result.exitCode ?? 0;
  });
}

/** A command that only holds others, such as `lab`. */
export function defineGroup(
  spec: Pick<CommandSpec<object, never>, 'name' | 'summary' | 'description' | 'examples'>,
  commands: readonly Command[],
): Command {
  const group = new Command(spec.name)
    .helpCommand(false)
    .summary(spec.summary)
    .description(spec.description ?? sentence(spec.summary));
  for (const command of commands) group.addCommand(command);
  addExamples(group, spec.examples ?? []);
  return group;
}

/** One run of the command line: what it works with and the exit code it will end with. */
export interface Session {
  readonly context: Context;
  exitCode: number;
}

/** -o json and -o yaml: the data as it is, or what `plain` makes of it where it holds maps or bigints. */
export function structured<Data>(plain?: () => Promise<(data: Data) => unknown>): Formats<Data> {
  return {
    json: async () => {
      const [{ renderJson }, toPlain] = await Promise.all([import('./render/json.ts'), plain?.()]);
      return (data) => renderJson(toPlain ? toPlain(data) : data);
    },
    yaml: async () => {
      const [{ renderYaml }, toPlain] = await Promise.all([import('./render/yaml.ts'), plain?.()]);
      return (data) => renderYaml(toPlain ? toPlain(data) : data);
    },
  };
}

/**
 * Commander looks for mandatory options before it looks for unknown ones, and would answer `--form` with a missing
 * `--from`; so the command looks itself, after all else is known to be right.
 */
function requireOptions(command: Command): void {
  const missing = command.options.find(
    (option) => mandatoryOptions.has(option) && command.getOptionValue(option.attributeName()) === undefined,
  );
  if (!missing) return;
  const hint = `Add it: ${missing.flags}, ${missing.description}.`;
  throw new BulkheadError(
    failure('CLI_MISSING_OPTION', `option ${missing.long ?? missing.flags} is missing`, { hint }),
  );
}

/** `print the version` → `Print the version.` */
function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

export function addExamples(command: Command, examples: readonly Example[]): void {
  if (examples.length === 0) return;
  examplesOf.set(command, examples);
  const lines = examples.flatMap((example) => [`  # ${example.text}`, `  ${example.command}`, '']);
  command.addHelpText('after', `\nExamples:\n${lines.slice(0, -1).join('\n')}`);
}
