/** Sends datagrams without end until it is killed. Arguments: netns, address, ports. */
import { setImmediate as turn } from 'node:timers/promises';
import { Conversation } from './conversation.ts';
import { address } from './guard-world.ts';

const [netns = '', to = '', ...ports] = process.argv.slice(2);
const conversations = ports.map((port) => Conversation.udp(netns, address(to), Number(port)));
process.stdout.write('ready\n');
for (;;) {
  for (const conversation of conversations) conversation.say('x');
  await turn();
}
