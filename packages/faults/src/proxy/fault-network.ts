/**
 * A proxy on every link between the processes of a cluster, and between clients and front-ends. Processes are
 * identified by their names in the cluster; all clients share the name `clients`.
 */
import { NO_FAULTS, type LinkConditions } from '../rules/link-conditions.js';
import { SeededRandom } from '@trireme/client';
import { LinkRouter } from './link-router.js';
import { FaultProxy } from './fault-proxy.js';

export const CLIENTS = 'clients';

/** Name for dialing clients outside the cluster, such as an operator. No fault affects them. */
const OTHERS = 'others';

/** Changed conditions for bytes from one process to another, whichever of them dialed. */
export interface LinkChange {
  readonly from: string;
  readonly to: string;
  readonly change: Partial<LinkConditions>;
}

export class FaultNetwork {
  /** By dialing and listening process; the port is null for links behind a `LinkRouter`. */
  readonly #proxies = new Map<string, { readonly proxy: FaultProxy; readonly port: number | null }>();
  /** By the name of the listening process. */
  readonly #doors = new Map<string, { readonly door: LinkRouter; readonly port: number }>();
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  /**
   * Opens a proxy for every link of a cluster, before the cluster is started.
   * @param counts number of processes of each role, including those that join later
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
    const door = new LinkRouter(
      (from) => this.#proxies.get(keyOf(from ?? OTHERS, to))?.proxy ?? others.proxy,
    );
    this.#doors.set(to, { door, port: await door.listen() });
  }

  /**
   * Forwards a link of clients or of peers to `url`.
   * @returns the URL to dial instead.
   * @throws RangeError for an unknown link
   */
  route(from: string, to: string, url: string): string {
    const entry = this.#proxies.get(keyOf(from, to));
    if (entry === undefined || entry.port === null)
      throw new RangeError(`no proxy for a link from ${from} to ${to}`);
    entry.proxy.setTarget(url);
    return `http://127.0.0.1:${entry.port}`;
  }

  /**
   * Returns the URL at which all processes dial `to`, which listens at `url`.
   * @throws RangeError for an unknown process
   */
  advertise(to: string, url: string): string {
    const entry = this.#doors.get(to);
    if (entry === undefined) throw new RangeError(`no advertised address for ${to}`);
    for (const [key, { proxy, port }] of this.#proxies)
      if (port === null && key.endsWith(keyOf('', to))) proxy.setTarget(url);
    return `http://127.0.0.1:${entry.port}`;
  }

  /** Names of all processes, and clients, that have a link with this process. */
  linkedProcesses(name: string): string[] {
    return this.#names.filter(
      (other) => this.#proxy(name, other) !== undefined || this.#proxy(other, name) !== undefined,
    );
  }

  /** Blocks all bytes from any of `from` to any of `to`, whichever dialed. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    for (const a of from) for (const b of to) this.degrade(a, b, { blocked: true });
  }

  /** Blocks all bytes between the two sides, in both directions. */
  cut(one: readonly string[], other: readonly string[]): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Cuts one process off from all other processes and from clients. */
  isolate(name: string): void {
    this.cut(
      [name],
      this.#names.filter((other) => other !== name),
    );
  }

  /** Changes the conditions for bytes from one process to another, whichever dialed. */
  degrade(from: string, to: string, change: Partial<LinkConditions>): void {
    this.#proxy(from, to)?.setConditions('up', change);
    this.#proxy(to, from)?.setConditions('down', change);
  }

  /** Replaces the conditions of all links by these combined; links that are not named become clear. */
  replaceConditions(hardships: readonly LinkChange[]): void {
    const changes = new Map<string, Partial<LinkConditions>>();
    for (const { from, to, change } of hardships) {
      const key = keyOf(from, to);
      changes.set(key, { ...changes.get(key), ...change });
    }
    for (const from of this.#names) {
      for (const to of this.#names) this.degrade(from, to, { ...NO_FAULTS, ...changes.get(keyOf(from, to)) });
    }
  }

  /** Resets the connections between two processes. With `refuse`, new ones are refused until `heal`. */
  reset(one: string, other: string, refuse = false): void {
    this.#proxy(one, other)?.reset(refuse);
    this.#proxy(other, one)?.reset(refuse);
  }

  /** Changes the conditions of all links of a process, in both directions. */
  degradeAll(name: string, change: Partial<LinkConditions>): void {
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
