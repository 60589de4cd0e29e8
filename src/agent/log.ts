/**
 * What the agent says while it runs, one line each: JSON for machines, text for people. No secret is ever logged, and at
 * info level no content of a policy either: names and numbers only.
 */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly write: (line: string) => void;
}

export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const least = logLevels.indexOf(level);
  return {
    log: (at, message, fields = {}) => {
      if (logLevels.indexOf(at) < least) return;
      const time = new Date().toISOString();
      write(format === 'json' ? jsonLine(time, at, message, fields) : textLine(time, at, message, fields));
    },
  };
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time, level, msg: message, ...fields })}\n`;
}

/** logfmt; quoted where a value has blanks. */
function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${/[\s"=]/.test(String(value)) ? JSON.stringify(value) : value}`],
  );
  return `${[time, level.toUpperCase().padEnd(5), message, ...pairs].join(' ')}\n`;
}
