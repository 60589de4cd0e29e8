import type { CommanderError } from 'commander';
import { failure, type Diagnostic } from '../errors.ts';

/** Our codes for commander's. */
const codes: Readonly<Record<string, { readonly code: string }>> = {
  'commander.unknownCommand': { code: 'CLI_UNKNOWN_COMMAND' },
  'commander.unknownOption': { code: 'CLI_UNKNOWN_OPTION' },
  'commander.missingArgument': { code: 'CLI_MISSING_ARGUMENT' },
  'commander.optionMissingArgument': { code: 'CLI_MISSING_VALUE' },
  'commander.excessArguments': { code: 'CLI_EXCESS_ARGUMENTS' },
  'commander.invalidArgument': { code: 'CLI_INVALID_VALUE' },
};

/** A mistake on the command line; commander's suggestion becomes the hint. */
export function usageError(error: CommanderError): Diagnostic {
  const { code } = codes[error.code] ?? { code: 'CLI_USAGE' };
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? otherHint(message);
  return failure(code, message, { hint });
}

function otherHint(message: string): string {
  return message === "unknown command 'help'"
    ? 'Write --help behind the command: bulkhead check --help.'
    : 'See --help for what the command takes.';
}
