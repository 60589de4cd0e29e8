/** A UDP socket that takes whatever comes to a port, from either family. */
import { closeSync } from 'node:fs';
import { receive, udpSocket } from '../../src/kernel/socket.ts';

export class Listener {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(65_536);

  /** On all addresses of the namespace at path `netns`. */
  constructor(netns: string, port: number) {
    this.#fd = udpSocket(netns, undefined, port);
  }

  /** The datagrams since the last call, as text. */
  heard(): string[] {
    const texts: string[] = [];
    for (;;) {
      const length = receive(this.#fd, this.#buffer);
      if (length < 0) return texts;
      texts.push(this.#buffer.toString('utf8', 0, length));
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
