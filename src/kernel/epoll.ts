/** epoll(7) over descriptors that Node.js does not know of, e.g. thousands of sockets of other namespaces. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, errno, libc, SystemCallError } from './libc.ts';

const create: (flags: number) => number = libc.func('int epoll_create1(int)');
const control: (epoll: number, operation: number, fd: number, event: Uint8Array) => number = libc.func(
  'int epoll_ctl(int, int, int, const void *)',
);
const wait: (epoll: number, events: Uint8Array, count: number, timeout: number) => number = libc.func(
  'int epoll_wait(int, void *, int, int)',
);

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;

/** Errors and hang-ups are always delivered. */
export const readable = 0x1;
export const writable = 0x4;

/** struct epoll_event is packed on x86-64 only (uapi/linux/eventpoll.h). */
const eventSize = process.arch === 'x64' ? 12 : 16;
const dataOffset = eventSize - 8;

export class Epoll {
  readonly #fd = checked('epoll_create1', create(EPOLL_CLOEXEC));
  readonly #event = Buffer.alloc(eventSize);
  readonly #events: Buffer;
  readonly #capacity: number;

  /** `capacity`: how many events one poll can deliver. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#events = Buffer.alloc(capacity * eventSize);
  }

  /** Watches a descriptor; `token` (32 bits) comes back with its events. Closing the descriptor ends the watch. */
  add(fd: number, interest: number, token: number): void {
    this.#control(EPOLL_CTL_ADD, fd, interest, token);
  }

  /** Changes what a watched descriptor is watched for. */
  change(fd: number, interest: number, token: number): void {
    this.#control(EPOLL_CTL_MOD, fd, interest, token);
  }

  /** Delivers what has happened, without waiting; gives the number of events. */
  poll(onEvent: (token: number) => void): number {
    const count = wait(this.#fd, this.#events, this.#capacity, 0);
    if (count < 0) {
      const error = errno();
      if (error === constants.errno.EINTR) return 0;
      throw new SystemCallError('epoll_wait', error);
    }
    for (let index = 0; index < count; index++) {
      onEvent(this.#events.readUInt32LE(index * eventSize + dataOffset));
    }
    return count;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #control(operation: number, fd: number, interest: number, token: number): void {
    this.#event.writeUInt32LE(interest, 0);
    this.#event.writeUInt32LE(token, dataOffset);
    checked('epoll_ctl', control(this.#fd, operation, fd, this.#event));
  }
}
