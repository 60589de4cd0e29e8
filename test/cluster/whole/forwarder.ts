/**
 * Makes the API server of a cluster reachable from the host: listens on the host's loopback, then moves for good into the
 * control plane's network namespace and connects there. Arguments: port, path of the namespace, address and port to connect
 * to.
 */
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { checked, libc } from '../../../src/kernel/libc.ts';
import { relay } from '../relay.ts';

const setns: (fd: number, type: number) => number = libc.func('int setns(int, int)');
const CLONE_NEWNET = 0x40000000;

const [port = '', netns = '', address = '', target = ''] = process.argv.slice(2);

const server = relay({ host: address, port: Number(target) }).listen(Number(port), '127.0.0.1');
await once(server, 'listening');
// A socket belongs to the namespace that it was made in: this one stays with the host, those to come do not.
checked(`setns ${netns}`, setns(openSync(netns, 'r'), CLONE_NEWNET));
