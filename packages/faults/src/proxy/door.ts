/**
 * The address at which all processes are told that one of them is. Who dials says its name in the handshake of the link, and
 * goes on through the proxy of its own link: so a process may be told by others where the next one is.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { breakOff } from './break-off.js';
import type { FaultProxy } from './fault-proxy.js';

/** The head of a handshake has a few hundred bytes. */
const HEAD_BYTES_MAX = 16 * 1024;
const NAME = /^x-trireme-name: *([\w.-]+)\r$/im;

export class Door {
  readonly #proxyOf: (dialer: string | null) => FaultProxy;
  readonly #server: Server;
  /** Those that have not said who they are. */
  readonly #waiting = new Set<Socket>();

  /** @param proxyOf gives the proxy for who dials, by name; null for who has none, such as an operator */
  constructor(proxyOf: (dialer: string | null) => FaultProxy) {
    this.#proxyOf = proxyOf;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Opens a port on loopback and gives it. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connections that went on are their proxies' to end. */
  async close(): Promise<void> {
    for (const socket of this.#waiting) breakOff(socket);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#waiting.add(socket);
    let head = Buffer.alloc(0);
    const forget = (): void => void this.#waiting.delete(socket);
    const read = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) head = Buffer.concat([head, chunk]);
      if (head.length < HEAD_BYTES_MAX && !head.includes('\r\n\r\n')) return;
      socket.off('readable', read).off('end', over).off('close', forget);
      forget();
      // The proxy reads it once more, under the conditions of the link.
      socket.unshift(head);
      const [, name = null] = NAME.exec(head.toString('latin1')) ?? [];
      this.#proxyOf(name).take(socket);
    };
    const over = (): void => breakOff(socket);
    socket.on('error', () => undefined);
    socket.on('readable', read).on('end', over).on('close', forget);
  }
}
