/**
 * The advertised address of a process. A dialing process sends its name in the handshake, and its connection
 * goes through the proxy of its own link. So processes may learn this address from each other, and faults
 * still apply per link.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetSocket } from './reset-socket.js';
import type { FaultProxy } from './fault-proxy.js';

/** A handshake has a few hundred bytes. */
const HEAD_BYTES_MAX = 16 * 1024;
const NAME = /^x-trireme-name: *([\w.-]+)\r$/im;

export class LinkRouter {
  readonly #proxyOf: (dialer: string | null) => FaultProxy;
  readonly #server: Server;
  /** Connections whose handshake is not complete. */
  readonly #waiting = new Set<Socket>();

  /**
   * @param proxyOf returns the proxy for a dialing process by name; null for a client without a name, such as
   * an operator
   */
  constructor(proxyOf: (dialer: string | null) => FaultProxy) {
    this.#proxyOf = proxyOf;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens on a free loopback port. @returns the port */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the port and connections with an incomplete handshake; the proxies end all others. */
  async close(): Promise<void> {
    for (const socket of this.#waiting) resetSocket(socket);
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
      socket.off('readable', read).off('end', onEnd).off('close', forget);
      forget();
      // The proxy reads the handshake again, under the conditions of the link.
      socket.unshift(head);
      const [, name = null] = NAME.exec(head.toString('latin1')) ?? [];
      this.#proxyOf(name).accept(socket);
    };
    const onEnd = (): void => resetSocket(socket);
    socket.on('error', () => undefined);
    socket.on('readable', read).on('end', onEnd).on('close', forget);
  }
}
