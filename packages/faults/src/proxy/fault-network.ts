/**
 * Every link between the processes of a cluster, and between clients and front-ends, with a proxy on it. Processes go
 * by their names in the cluster; all clients together are `clients`.
 */
import { CLEAR, type Conditions } from '../rules/link.js';
import { SeededRandom } from '../rules/random.js';
import { Door } from './door.js';
import { FaultProxy } from './fault-proxy.js';

export const CLIENTS = 'clients';

/** Who dials a process and is none of the cluster's, such as an operator. No fault is its. */
const OTHERS = 'others';

/** What happens to bytes on their way from one process to another, whoever dialled. */
export interface Hardship {
  readonly from: string;
  readonly to: string;
  readonly change: Partial<Conditions>;
}

export class FaultNetwork {
  /** By who dials whom; the port is null for those that have a door. */
  readonly #proxies = new Map<string, { readonly proxy: FaultProxy; readonly port: number | null }>();
  /** By the name of who is reached through it. */
  readonly #doors = new Map<string, { readonly door: Door; readonly port: number }>();
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  /**
   * Opens a proxy for every link of a cluster that is yet to be planned.
   * @param counts how many there are of each; with those that join later
   */
  static async open(
    counts: { readonly replicas: number; readonly frontends: number; readonly catalogs: number },
    seed: number,
  ): Promise<FaultNetwork> {
    const numbered = (role: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${role}-${i + 1}`);
    const replicaNames = numbered('replica', counts.replicas);
    const frontendNames = numbered('frontend', counts.frontends);
    const catalogNames = numbered('catalog', counts.catalogs);
    const network = new FaultNetwork([...replicaNames, ...frontendNames, ...catalogNames, CLIENTS]);
    const random = new SeededRandom(seed);
    for (const from of replicaNames) {
      for (const to of replicaNames) if (from !== to) await network.#open(keyOf(from, to), random);
    }
    for (const to of frontendNames) await network.#open(keyOf(CLIENTS, to), random);
    for (const to of replicaNames) await network.#openDoor(to, [...frontendNames, ...catalogNames], random);
    for (const to of catalogNames) await network.#openDoor(to, frontendNames, random);
    return network;
  }

  async #open(key: string, random: SeededRandom): Promise<void> {
    const proxy = new FaultProxy(random);
    this.#proxies.set(key, { proxy, port: await proxy.listen() });
  }

  async #openDoor(to: string, dialers: readonly string[], random: SeededRandom): Promise<void> {
    const others = { proxy: new FaultProxy(random), port: null };
    this.#proxies.set(keyOf(OTHERS, to), others);
    for (const from of dialers)
      this.#proxies.set(keyOf(from, to), { proxy: new FaultProxy(random), port: null });
    const door = new Door((from) => this.#proxies.get(keyOf(from ?? OTHERS, to))?.proxy ?? others.proxy);
    this.#doors.set(to, { door, port: await door.listen() });
  }

  /** Sends a link of clients or of peers on to `url`, and gives the URL to dial instead. */
  route(from: string, to: string, url: string): string {
    const entry = this.#proxies.get(keyOf(from, to));
    if (entry === undefined || entry.port === null)
      throw new RangeError(`there is no link from ${from} to ${to}`);
    entry.proxy.setTarget(url);
    return `http://127.0.0.1:${entry.port}`;
  }

  /** Gives the URL at which all are to dial the process `to`, which listens at `url`; who dials is told apart by name. */
  advertise(to: string, url: string): string {
    const entry = this.#doors.get(to);
    if (entry === undefined) throw new RangeError(`nobody dials ${to}`);
    for (const [key, { proxy, port }] of this.#proxies)
      if (port === null && key.endsWith(keyOf('', to))) proxy.setTarget(url);
    return `http://127.0.0.1:${entry.port}`;
  }

  /** Who a process has a link to, whoever dials; clients too. */
  linked(name: string): string[] {
    return this.#names.filter(
      (other) => this.#proxy(name, other) !== undefined || this.#proxy(other, name) !== undefined,
    );
  }

  /** Nothing gets from any of `from` to any of `to`, whoever dialled. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    for (const a of from) for (const b of to) this.degrade(a, b, { blocked: true });
  }

  /** Nothing gets from one side to the other, either way. */
  cut(one: readonly string[], other: readonly string[]): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Cuts one process off from all others, clients too. */
  isolate(name: string): void {
    this.cut(
      [name],
      this.#names.filter((other) => other !== name),
    );
  }

  /** Changes what happens to bytes on their way from one process to another, whoever dialled. */
  degrade(from: string, to: string, change: Partial<Conditions>): void {
    this.#proxy(from, to)?.set('up', change);
    this.#proxy(to, from)?.set('down', change);
  }

  /** Sets every link to what these make of it together, and those that are not named free. */
  impose(hardships: readonly Hardship[]): void {
    const changes = new Map<string, Partial<Conditions>>();
    for (const { from, to, change } of hardships) {
      const key = keyOf(from, to);
      changes.set(key, { ...changes.get(key), ...change });
    }
    for (const from of this.#names) {
      for (const to of this.#names) this.degrade(from, to, { ...CLEAR, ...changes.get(keyOf(from, to)) });
    }
  }

  /** Breaks the connections between two processes; with `refuse`, until healed, no new one comes about. */
  reset(one: string, other: string, refuse = false): void {
    this.#proxy(one, other)?.reset(refuse);
    this.#proxy(other, one)?.reset(refuse);
  }

  /** Makes all links from or to a process as `change` says, both ways. */
  degradeAll(name: string, change: Partial<Conditions>): void {
    for (const other of this.#names) {
      this.degrade(name, other, change);
      this.degrade(other, name, change);
    }
  }

  heal(): void {
    for (const { proxy } of this.#proxies.values()) proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#doors.values()].map(async ({ door }) => door.close()));
    await Promise.all([...this.#proxies.values()].map(async ({ proxy }) => proxy.close()));
  }

  #proxy(from: string, to: string): FaultProxy | undefined {
    return this.#proxies.get(keyOf(from, to))?.proxy;
  }
}

function keyOf(from: string, to: string): string {
  return `${from}>${to}`;
}
