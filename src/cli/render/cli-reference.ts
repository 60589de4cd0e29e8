/** docs/cli.md: one section per command, made from the command tree, so that it says what the program does. */
import { walkCommands, type CommandNode, type OptionNode } from '../command-tree.ts';

export function renderCliReference(root: CommandNode): string {
  const commands = [...walkCommands(root)].filter(({ path }) => path.length > 0);
  return `<!-- Made by scripts/cli-reference.ts from the command tree; a test keeps it true. Don't edit. -->

# Command line

${root.description}

${commands.map((node) => `${'  '.repeat(node.path.length - 1)}- [\`${title(node)}\`](#${anchor(node)}): ${node.summary}`).join('\n')}

The result goes to stdout; warnings, errors and progress go to stderr. Exit codes: 0 fine or the same, 1 found something
or differs, 2 error. Every error has a code, which [errors.md](errors.md) explains; with \`-o json\` errors are JSON too.
Colours appear only on a terminal, and never with \`--no-color\`, \`NO_COLOR=1\` or \`TERM=dumb\`.

${commands.map(renderCommand).join('\n')}`;
}

function renderCommand(node: CommandNode): string {
  const parts = [
    `## ${title(node)}`,
    node.description,
    `\`\`\`\n${node.usage}\n\`\`\``,
    node.arguments
      .map(({ name, description, choices }) => `- \`${name}\`: ${description}${oneOf(choices)}`)
      .join('\n'),
    optionTable(node.options),
    node.examples.length === 0
      ? ''
      : `\`\`\`sh\n${node.examples.map(({ command, text }) => `# ${text}\n${command}`).join('\n\n')}\n\`\`\``,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function optionTable(options: readonly OptionNode[]): string {
  const own = options.filter(({ long }) => long !== '--help');
  if (own.length === 0) return '';
  const rows = own.map(
    (option) =>
      `| \`${escapePipes(option.flags)}\` | ${escapePipes(option.description)}${oneOf(option.choices)} | ${defaultText(option)} |`,
  );
  return `| Option | Meaning | Default |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

function defaultText(option: OptionNode): string {
  if (option.required) return 'required';
  return option.default === undefined ? '' : `\`${option.default}\``;
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 0 ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
}

function title({ path }: CommandNode): string {
  return ['bulkhead', ...path].join(' ');
}

function anchor(node: CommandNode): string {
  return title(node).replaceAll(' ', '-');
}

function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|');
}
