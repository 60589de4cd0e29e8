import { Argument, Option, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';

interface DebugOptions {
  readonly runDir: string;
  readonly untilEof?: boolean;
}

export const debugCommand = (session: Session): Command =>
  defineCommand<DebugOptions>(
    {
      name: 'debug',
      summary: "print what this node's agent answers on its debug socket",
      description:
        "Asks the agent of this node, as root: /status, /policies, /pods, /tables, /flows?follow&last=20, /metrics. For the agent's image, which has no curl; `bulkhead flows` runs it in the agents' pods.",
      arguments: [new Argument('<request>', 'what to ask for, with its query')],
      options: [
        new Option('--run-dir <directory>', 'where the socket is').default('/run/bulkhead'),
        new Option('--until-eof', 'end with standard input, too'),
      ],
      examples: [
        { command: 'sudo bulkhead debug /policies', text: 'On a node: what its kernel enforces' },
        {
          command: "kubectl -n bulkhead-system exec ds/bulkhead -- bulkhead debug '/flows?follow'",
          text: 'On some node of a cluster',
        },
      ],
      run: async ({ args, options, context }) => {
        const { readDebugSocket } = await import('../../agent/debug-client.ts');
        const ended = new AbortController();
        process.once('SIGINT', () => ended.abort());
        if (options.untilEof === true) {
          // Whoever runs this in a container holds its input open; a process that outlives him would burden the agent.
          process.stdin.on('end', () => ended.abort()).on('error', () => ended.abort());
          process.stdin.resume();
        }
        try {
          await readDebugSocket({
            socket: `${options.runDir}/debug.sock`,
            path: args[0] ?? '/',
            chunk: (text) => context.stdout.write(text),
            signal: ended.signal,
          });
        } finally {
          // Waiting for its end would keep the process.
          if (options.untilEof === true) process.stdin.destroy();
        }
        return 0;
      },
    },
    session,
  );
