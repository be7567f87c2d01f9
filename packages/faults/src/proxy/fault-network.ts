/**
 * Every link between the processes of a cluster, and between clients and front-ends, with a proxy on it. Processes go
 * by their names in the cluster; all clients together are `clients`.
 */
import { CLEAR, type Conditions } from '../rules/link.js';
import { SeededRandom } from '../rules/random.js';
import { FaultProxy } from './fault-proxy.js';

export const CLIENTS = 'clients';

/** What happens to bytes on their way from one process to another, whoever dialled. */
export interface Hardship {
  readonly from: string;
  readonly to: string;
  readonly change: Partial<Conditions>;
}

export class FaultNetwork {
  readonly #proxies = new Map<string, { readonly proxy: FaultProxy; readonly port: number }>();
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  /**
   * Opens a proxy for every link of a cluster that is yet to be planned.
   * @param counts how many there are of each; `replicas` with those that join later
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
    const links = [
      ...[...replicaNames, ...frontendNames, ...catalogNames].flatMap((from) =>
        replicaNames.map((to) => [from, to] as const),
      ),
      ...frontendNames.map((to) => [CLIENTS, to] as const),
    ];
    const random = new SeededRandom(seed);
    for (const [from, to] of links.filter(([from, to]) => from !== to)) {
      const proxy = new FaultProxy(random);
      network.#proxies.set(keyOf(from, to), { proxy, port: await proxy.listen() });
    }
    return network;
  }

  /** Sends a link on to `url`, and gives the URL to dial instead. */
  route(from: string, to: string, url: string): string {
    const entry = this.#proxies.get(keyOf(from, to));
    if (entry === undefined) throw new RangeError(`there is no link from ${from} to ${to}`);
    entry.proxy.setTarget(url);
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
    await Promise.all([...this.#proxies.values()].map(async ({ proxy }) => proxy.close()));
  }

  #proxy(from: string, to: string): FaultProxy | undefined {
    return this.#proxies.get(keyOf(from, to))?.proxy;
  }
}

function keyOf(from: string, to: string): string {
  return `${from}>${to}`;
}
