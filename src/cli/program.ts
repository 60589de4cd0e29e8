/**
 * The command tree of `bulkhead`.
 *
 * Convention. Each command is one file in commands/ that exports a function of the session:
 *
 *   export const checkCommand = (session: Session): Command =>
 *     defineCommand<CheckOptions, CheckReport>({ name, summary, arguments, options, examples, formats, run }, session);
 *
 * - The file is loaded for every run, for --help and for completion, so it imports statically only commander,
 *   ../command.ts, ../source-options.ts and types. `run` and each format load the rest: `await import('../../x.ts')`.
 * - `run` returns { data, warnings, exitCode }; it prints nothing. A renderer per output format (render/<what>-<format>.ts,
 *   `(data, terminal) => string`) makes the text. `...structured(plain?)` adds json and yaml.
 * - A command that streams or hands its terminal over (flows, exec) writes to `call.context.stdout` itself and returns
 *   the exit code as a number.
 * - stdout is for the result, stderr for warnings, errors and progress. Exit codes: 0 fine or the same, 1 found
 *   something or differs, 2 error. Errors are thrown as BulkheadError and printed in one place (run.ts).
 * - A group (`lab`) is `defineGroup(spec, commands)`. Every command has at least one example.
 * - What a daemon or a test needs but no user is hidden: `group.addCommand(daemonCommand(session), { hidden: true })`.
 */
import { Command, type Argument } from 'commander';
import { addExamples, type Session } from './command.ts';
import { agentCommand } from './commands/agent.ts';
import { checkCommand } from './commands/check.ts';
import { compileCommand } from './commands/compile.ts';
import { completionCommand } from './commands/completion.ts';
import { conformanceCommand } from './commands/conformance.ts';
import { debugCommand } from './commands/debug.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { flowsCommand } from './commands/flows.ts';
import { labCommand } from './commands/lab.ts';
import { matrixCommand } from './commands/matrix.ts';
import { statusCommand } from './commands/status.ts';
import { versionCommand } from './commands/version.ts';
import { waitCommand } from './commands/wait.ts';
import { packageVersion } from './version.ts';

export function buildProgram(session: Session): Command {
  const program = new Command('bulkhead')
    .description(
      'Kubernetes network policies: who may talk to whom, enforced in the kernel, explained by the line.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    // Options belong to the command they follow, so that `lab exec … -- curl -o` reaches curl untouched.
    .enablePositionalOptions();
  for (const command of [
    checkCommand,
    matrixCommand,
    explainCommand,
    compileCommand,
    labCommand,
    conformanceCommand,
    agentCommand,
    statusCommand,
    waitCommand,
    flowsCommand,
    debugCommand,
    doctorCommand,
  ]) {
    program.addCommand(command(session));
  }
  program.addCommand(completionCommand(session, program));
  program.addCommand(versionCommand(session));
  addExamples(program, [
    {
      command: 'bulkhead check ./manifests',
      text: 'Are the manifests sound, and what do the policies isolate?',
    },
    { command: 'bulkhead matrix ./manifests', text: 'Who may talk to whom?' },
    {
      command: 'bulkhead explain ./manifests --from shop/frontend --to shop/cart --port 7070',
      text: 'Why is this connection allowed or denied?',
    },
    {
      command: 'sudo bulkhead lab up ./manifests',
      text: 'Run it: every pod a network namespace, policies enforced in the kernel',
    },
  ]);
  program.addHelpText('after', '\nExit codes: 0 fine or the same, 1 found something or differs, 2 error.');
  connect(program, session);
  return program;
}

/** Commander prints to our streams and throws instead of ending the process, in every command of the tree. */
function connect(command: Command, session: Session): void {
  const { stdout, stderr } = session.context;
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // The thrown CommanderError holds the same text; run.ts prints it like every other error.
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(stdout.columns ?? 100, 120),
      getErrHelpWidth: () => Math.min(stderr.columns ?? 100, 120),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({
      subcommandTerm: (child) =>
        [child.name(), ...child.registeredArguments.map((argument) => humanReadable(argument))].join(' '),
    });
  for (const child of command.commands) connect(child, session);
}

/** `<path...>`, `[name]`. */
function humanReadable(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
