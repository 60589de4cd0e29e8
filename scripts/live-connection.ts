/**
 * Keeps one TCP connection busy and says when it falls silent: `live-connection.ts HOST PORT`. Sends a message every
 * millisecond to a server that answers each; prints `streaming` after the first hundred answers and, once nothing has
 * come for a second, one line of JSON: {"answers", "unanswered", "lastAnswer"} (nanoseconds of the monotonic clock, as
 * text). Exits with 1 if the connection is not answered within 5 s, or still is after 20 s.
 */
import { connect } from 'node:net';

const [host = '', port = ''] = process.argv.slice(2);
const silence = 1_000_000_000n;

let sent = 0;
let answers = 0;
let lastAnswer = process.hrtime.bigint();

const socket = connect({ host, port: Number(port), noDelay: true });
socket.on('error', (error) => giveUp(error.message));
socket.on('connect', () => setInterval(tick, 1));
socket.on('data', (data: Buffer) => {
  const before = answers;
  answers += data.reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 0);
  lastAnswer = process.hrtime.bigint();
  if (before < 100 && answers >= 100) console.log('streaming');
});
setTimeout(() => {
  if (answers === 0) giveUp('no answer within 5 s');
}, 5_000);
setTimeout(() => giveUp('still answers after 20 s'), 20_000);

function giveUp(reason: string): never {
  console.error(`${host}:${port}: ${reason}`);
  process.exit(1);
}

function tick(): void {
  if (answers >= 100 && process.hrtime.bigint() - lastAnswer > silence) {
    const report = { answers, unanswered: sent - answers, lastAnswer: String(lastAnswer) };
    console.log(JSON.stringify(report));
    process.exit(0);
  }
  socket.write('.');
  sent++;
}
