/** A proxy on one link between two processes that injects faults. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { NO_FAULTS, type LinkConditions } from '../rules/link-conditions.js';
import type { SeededRandom } from '@trireme/client';
import { resetSocket } from './reset-socket.js';
import { FaultPipe } from './fault-pipe.js';

/** `up` is from the dialing to the listening side. */
type Direction = 'up' | 'down';

interface ProxiedConnection {
  readonly pumps: readonly FaultPipe[];
  readonly sockets: Socket[];
}

export class FaultProxy {
  readonly #random: SeededRandom;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #conditions: Record<Direction, LinkConditions> = { up: NO_FAULTS, down: NO_FAULTS };
  #target: { readonly host: string; readonly port: number } | null = null;
  #isRefusing = false;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
      this.accept(socket),
    );
  }

  /** Listens on a free loopback port. @returns the port */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sets the address to which connections are forwarded. */
  setTarget(url: string): void {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
  }

  /** Changes the conditions of one direction, for open and future connections. */
  setConditions(direction: Direction, change: Partial<LinkConditions>): void {
    this.#conditions[direction] = { ...this.#conditions[direction], ...change };
    for (const { pumps } of this.#connections) for (const pump of pumps) pump.deliverDue();
  }

  /** Resets every open connection at both ends. With `refuse`, new connections are refused until `heal`. */
  reset(refuse = false): void {
    this.#isRefusing = refuse;
    for (const connection of this.#connections) this.#break(connection);
  }

  /** Clears all faults, and delivers held bytes at once. */
  heal(): void {
    this.#isRefusing = false;
    this.setConditions('up', NO_FAULTS);
    this.setConditions('down', NO_FAULTS);
    for (const { pumps } of this.#connections) for (const pump of pumps) pump.flush();
  }

  async close(): Promise<void> {
    this.reset(true);
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Forwards a connection from which nothing has been read. */
  accept(client: Socket): void {
    const target = this.#target;
    if (this.#isRefusing || target === null) {
      resetSocket(client);
      return;
    }
    const up = new FaultPipe(() => this.#conditions.up, this.#random);
    const down = new FaultPipe(() => this.#conditions.down, this.#random);
    const connection: ProxiedConnection = { pumps: [up, down], sockets: [client] };
    const onBroken = (): void => this.#break(connection);
    this.#connections.add(connection);
    client.once('close', () => up.schedule(0, onBroken));
    // The connection attempt travels through the pump too, so a blocked link does not forward it.
    up.schedule(0, () => {
      const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
      connection.sockets.push(upstream);
      upstream.once('close', () => down.schedule(0, onBroken));
      up.forward(client, upstream, onBroken);
      down.forward(upstream, client, onBroken);
    });
    client.on('error', () => undefined);
  }

  #break(connection: ProxiedConnection): void {
    this.#connections.delete(connection);
    for (const pump of connection.pumps) pump.close();
    for (const socket of connection.sockets) resetSocket(socket);
  }
}
