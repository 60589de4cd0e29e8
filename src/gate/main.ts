import { readFileSync } from 'node:fs';
import { runPlugin } from './plugin.ts';

runPlugin(process.env, readFileSync(0, 'utf8')).then(
  ({ exitCode, stdout }) => {
    process.exitCode = exitCode;
    process.stdout.write(stdout);
  },
  (error: unknown) => {
    process.exitCode = 1;
    process.stderr.write(`${String(error)}\n`);
  },
);
