import { Argument, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import type { Shell } from '../render/completion-scripts.ts';

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

export const completionCommand = (session: Session, program: Command): Command =>
  defineCommand(
    {
      name: 'completion',
      summary: 'print a completion script for a shell',
      description: 'Prints a completion script, made from the command tree, for bash, zsh or fish.',
      arguments: [new Argument('<shell>', 'the shell').choices(shells)],
      examples: [
        { command: 'source <(bulkhead completion bash)', text: 'Bash, in this session' },
        {
          command: 'bulkhead completion bash > /etc/bash_completion.d/bulkhead',
          text: 'Bash, for everybody',
        },
        { command: 'bulkhead completion zsh > "${fpath[1]}/_bulkhead"', text: 'Zsh' },
        { command: 'bulkhead completion fish > ~/.config/fish/completions/bulkhead.fish', text: 'Fish' },
      ],
      run: async ({ args, context }) => {
        const [{ completionScript }, { commandTree }] = await Promise.all([
          import('../render/completion-scripts.ts'),
          import('../command-tree.ts'),
        ]);
        context.stdout.write(completionScript(args[0] as Shell, commandTree(program)));
        return 0;
      },
    },
    session,
  );
