/** Corner case 24: connections that were there before anybody enforced. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { tcpListener } from '../../src/kernel/socket.ts';
import { Conversation } from '../datapath/conversation.ts';
import { world, worldDelta } from '../datapath/guard-world.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { engineNames, openEngine } from '../datapath/test-engines.ts';
import { TestNetwork } from '../datapath/test-network.ts';

/** Long enough for a packet to be lost, retransmitted and lost again. Milliseconds. */
const silence = 500;

describe.skipIf(!isRoot).each(engineNames)('[root] %s: connections from before enforcement', (engine) => {
  let network: TestNetwork;
  let datapath: Datapath | undefined;
  let server: Server;
  const sockets: Socket[] = [];

  /** `client` of the guard world may open connections to nobody but `server`; here it is who is called. */
  const connect = async (family: 4 | 6) => {
    server = createServer();
    server.listen({ fd: tcpListener(network.pod('client'), undefined, 80) });
    const [conversation, [socket]] = await Promise.all([
      Promise.resolve(Conversation.tcp(network.pod('open'), world[family].client, 80)),
      once(server, 'connection') as Promise<[Socket]>,
    ]);
    sockets.push(socket);
    socket.on('error', () => undefined);
    return { conversation, socket };
  };

  beforeEach(() => {
    network = new TestNetwork();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    datapath?.detach();
    datapath = undefined;
    network.remove();
  });

  test.each([4, 6] as const)(
    'IPv%s: a reply whose question nobody saw is judged as new until the opener speaks',
    async (family) => {
      const { conversation, socket } = await connect(family);
      datapath = openEngine(engine, network);
      datapath.apply(worldDelta);
      socket.write('from the one who was called');
      await sleep(silence);
      expect(conversation.heard()).toBe('');
      conversation.say('from the opener');
      await conversation.hears('from the one who was called');
      conversation.close();
    },
  );

  test.each([4, 6] as const)('IPv%s: what the policies deny is cut, however old it is', async (family) => {
    server = createServer();
    server.listen({ fd: tcpListener(network.pod('server'), undefined, 81) });
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const conversation = Conversation.tcp(network.pod('client'), world[family].server, 81);
    const [socket] = await accepted;
    sockets.push(socket);
    let heard = '';
    socket.on('data', (data) => (heard += data.toString()));
    socket.on('error', () => undefined);
    datapath = openEngine(engine, network);
    datapath.apply(worldDelta);
    conversation.say('still there?');
    await sleep(silence);
    expect(heard).toBe('');
    conversation.close();
  });
});
