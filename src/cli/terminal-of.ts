import type { Context, Stream } from './context.ts';
import { defaultColumns, type Terminal } from './render/terminal.ts';

/**
 * Colours only on a terminal, unless FORCE_COLOR asks for them; never with NO_COLOR (https://no-color.org: set and not
 * empty), TERM=dumb or --no-color.
 */
export function terminalOf(stream: Stream, env: Context['env'], colourOption = true): Terminal {
  const refused = !colourOption || Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  const wanted = stream.isTerminal || Boolean(env['FORCE_COLOR']);
  const columns = stream.columns ?? Number(env['COLUMNS']);
  return { colour: wanted && !refused, columns: columns > 0 ? columns : defaultColumns };
}
