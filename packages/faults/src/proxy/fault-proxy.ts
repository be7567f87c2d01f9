/** Stands between two processes on one link, and makes it as bad as it is told. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { CLEAR, type Conditions } from '../rules/link.js';
import type { SeededRandom } from '../rules/random.js';
import { breakOff } from './break-off.js';
import { Pump } from './pump.js';

/** `up` is from who dials to who listens. */
type Direction = 'up' | 'down';

interface Carried {
  readonly pumps: readonly Pump[];
  readonly sockets: Socket[];
}

export class FaultProxy {
  readonly #random: SeededRandom;
  readonly #server: Server;
  readonly #carried = new Set<Carried>();
  readonly #conditions: Record<Direction, Conditions> = { up: CLEAR, down: CLEAR };
  #target: { readonly host: string; readonly port: number } | null = null;
  #isRefusing = false;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
      this.take(socket),
    );
  }

  /** Opens a port on loopback and gives it. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where connections go on to. */
  setTarget(url: string): void {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port) };
  }

  /** Changes one direction, for connections that are open and those to come. */
  set(direction: Direction, change: Partial<Conditions>): void {
    this.#conditions[direction] = { ...this.#conditions[direction], ...change };
    for (const { pumps } of this.#carried) for (const pump of pumps) pump.wake();
  }

  /** Breaks every open connection at both ends; new ones are taken unless `refuse`. */
  reset(refuse = false): void {
    this.#isRefusing = refuse;
    for (const carried of this.#carried) this.#break(carried);
  }

  /** Everything goes through again, what was held back at once. */
  heal(): void {
    this.#isRefusing = false;
    this.set('up', CLEAR);
    this.set('down', CLEAR);
    for (const { pumps } of this.#carried) for (const pump of pumps) pump.hurry();
  }

  async close(): Promise<void> {
    this.reset(true);
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Carries a connection of which nothing was read yet. */
  take(client: Socket): void {
    const target = this.#target;
    if (this.#isRefusing || target === null) {
      breakOff(client);
      return;
    }
    const up = new Pump(() => this.#conditions.up, this.#random);
    const down = new Pump(() => this.#conditions.down, this.#random);
    const carried: Carried = { pumps: [up, down], sockets: [client] };
    const broken = (): void => this.#break(carried);
    this.#carried.add(carried);
    client.once('close', () => up.push(0, broken));
    // An attempt to connect has to travel too: a link that is cut lets none through.
    up.push(0, () => {
      const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
      carried.sockets.push(upstream);
      upstream.once('close', () => down.push(0, broken));
      up.carry(client, upstream, broken);
      down.carry(upstream, client, broken);
    });
    client.on('error', () => undefined);
  }

  #break(carried: Carried): void {
    this.#carried.delete(carried);
    for (const pump of carried.pumps) pump.close();
    for (const socket of carried.sockets) breakOff(socket);
  }
}
