/** The command tree as plain data, for everything that is generated from it: completion scripts and docs/cli.md. */
import type { Command, Option } from 'commander';

export interface OptionNode {
  /** `-o`, when there is a short form. */
  readonly short?: string;
  /** `--output`. */
  readonly long: string;
  /** As help prints it: `-o, --output <format>`. */
  readonly flags: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** Printed form of the default; absent where there is none worth telling. */
  readonly default?: string;
  readonly required: boolean;
}

export interface ArgumentNode {
  readonly name: string;
  readonly description: string;
  readonly choices: readonly string[];
  /** A file or folder is expected. */
  readonly isPath: boolean;
}

export interface CommandNode {
  /** Without `bulkhead`: `['lab', 'up']`; the root is empty. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly { readonly command: string; readonly text: string }[];
  readonly arguments: readonly ArgumentNode[];
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

/** Hidden commands and options are left out. */
export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  return {
    path,
    usage: help.commandUsage(command),
    summary: command.summary(),
    description: command.description(),
    examples: examplesOf.get(command) ?? [],
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      choices: argument.argChoices ?? [],
      isPath: argument.name() === 'path',
    })),
    options: help.visibleOptions(command).map((option) => ({
      ...(option.short ? { short: option.short } : {}),
      long: option.long ?? option.flags,
      flags: option.flags,
      description: option.description,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      ...(typeof option.defaultValue === 'string' || typeof option.defaultValue === 'number'
        ? { default: option.defaultValueDescription ?? String(option.defaultValue) }
        : {}),
      required: mandatoryOptions.has(option),
    })),
    commands: help.visibleCommands(command).map((child) => commandTree(child, [...path, child.name()])),
  };
}

/** The node itself and everything below it, parents first. */
export function* walkCommands(node: CommandNode): Generator<CommandNode> {
  yield node;
  for (const child of node.commands) yield* walkCommands(child);
}

/** Examples are no concept of commander; help, docs and tests read them here. */
export const examplesOf = new WeakMap<
  Command,
  readonly { readonly command: string; readonly text: string }[]
>();

/** Options without which a command can't run; command.ts checks them. */
export const mandatoryOptions = new WeakSet<Option>();
