/** A Trireme cluster and an etcd cluster on the same disk, and the requests sent to each. */
import { openLoop } from '../generator/undici.js';
import {
  constantRequests,
  etcdPuts,
  etcdReads,
  requestSource,
  requestsOf,
  SELL_ONE,
  type RequestSeries,
} from '../rules/requests.js';
import { EtcdCluster } from '../system/etcd.js';
import { startOtherCheckout } from '../system/other-checkout.js';
import type { BenchSession } from '../system/session.js';
import { TriremeCluster, type RunningSystem } from '../system/trireme.js';
import { fixedSystem, type ComparedSystem } from './closed-comparison.js';
import { measureFailover, type Failover } from './failover.js';

/** Number of orders, and of etcd keys, that reads choose from with equal probability. */
export const RECORDS = 1000;

/** Keys reserved for one run, so that runs write different keys. */
const KEYS_PER_RUN = 1_000_000;

export const TRIREME = 'trireme';
/** Another checkout of Trireme. */
export const OTHER_CHECKOUT = 'before';
export const ETCD = 'etcd';
export const ETCD_LINEARIZABLE = 'etcd linearizable';
export const ETCD_SERIALIZABLE = 'etcd serializable';

/** The body of each order, and the value of each etcd key. */
const ORDER = SELL_ONE.body ?? '';

/** Size of an order's body, and of a value in etcd. */
export const ORDER_BYTES = ORDER.length;

const ORDERS = constantRequests(SELL_ONE);

export class ComparedSystems {
  readonly #ours: TriremeCluster;
  readonly #etcd: EtcdCluster;
  readonly #before: RunningSystem | null;
  #nextKey = KEYS_PER_RUN;

  private constructor(ours: TriremeCluster, etcd: EtcdCluster, before: RunningSystem | null) {
    this.#ours = ours;
    this.#etcd = etcd;
    this.#before = before;
  }

  /**
   * Starts all systems, and writes the records that are read later.
   * @param before folder of another checkout to compare with; null for none
   */
  static async start(session: BenchSession, before: string | null): Promise<ComparedSystems> {
    const size = { stocks: 10, cacheSize: 5 };
    const ours = await TriremeCluster.start(session, size);
    const other = before === null ? null : await startOtherCheckout(session, before, size);
    const systems = new ComparedSystems(ours, await EtcdCluster.start(session), other);
    await fill(ours.url, ORDERS);
    if (other !== null) await fill(other.url, ORDERS);
    await fill(await systems.#etcdLeader(), etcdPuts(ORDER, 1));
    return systems;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#ours.stop(), this.#etcd.stop(), this.#before?.stop()]);
  }

  /** Systems that get writes: orders, and puts of etcd. */
  writers(): readonly ComparedSystem[] {
    const etcd = async (): ReturnType<ComparedSystem['prepare']> => ({
      url: await this.#etcdLeader(),
      requests: etcdPuts(ORDER, this.#takeKeys()),
    });
    return [...this.#triremes(ORDERS), { system: ETCD, prepare: etcd }];
  }

  /** Systems that get reads: order reads, and etcd's linearizable and serializable reads. */
  readers(): readonly ComparedSystem[] {
    const etcd = (system: string, serializable: boolean): ComparedSystem => ({
      system,
      prepare: async () => ({
        url: await this.#etcdLeader(),
        requests: etcdReads(RECORDS, serializable),
      }),
    });
    return [
      ...this.#triremes(requestsOf('order read', RECORDS)),
      etcd(ETCD_LINEARIZABLE, false),
      etcd(ETCD_SERIALIZABLE, true),
    ];
  }

  /** Kills Trireme's leader under load, and restarts it. */
  async failOverTrireme(perSecond: number): Promise<Failover> {
    const { cluster, url } = this.#ours;
    const leader = await cluster.leaderName();
    if (leader === null) throw new Error('the cluster has no leader to kill');
    const outage = await measureFailover({
      url,
      requests: ORDERS,
      perSecond,
      kill: async () => {
        await cluster.kill(leader);
      },
    });
    await cluster.startProcess(leader);
    await cluster.awaitProcessReady(leader);
    return outage;
  }

  /** Kills etcd's leader under load on another member, and restarts it. */
  async failOverEtcd(perSecond: number): Promise<Failover> {
    const leader = await this.#etcd.waitLeader();
    const [other] = this.#etcd.otherMembers(leader);
    if (other === undefined) throw new Error('etcd has no other member to write to');
    const outage = await measureFailover({
      url: this.#etcd.url(other),
      requests: etcdPuts(ORDER, this.#takeKeys()),
      perSecond,
      kill: async () => this.#etcd.kill(leader),
    });
    this.#etcd.restart(leader);
    await this.#etcd.waitAll();
    return outage;
  }

  #triremes(requests: RequestSeries): readonly ComparedSystem[] {
    const ours = fixedSystem(TRIREME, this.#ours.url, requests);
    if (this.#before === null) return [ours];
    return [ours, fixedSystem(OTHER_CHECKOUT, this.#before.url, requests)];
  }

  async #etcdLeader(): Promise<string> {
    return this.#etcd.url(await this.#etcd.waitLeader());
  }

  #takeKeys(): number {
    const from = this.#nextKey;
    this.#nextKey += KEYS_PER_RUN;
    return from;
  }
}

async function fill(url: string, requests: RequestSeries): Promise<void> {
  const load = { url, connections: 16, perSecond: 1000, count: RECORDS };
  const { counter } = await openLoop({ ...load, next: requestSource(requests) });
  if (counter.latency.count < RECORDS)
    throw new Error(`writes to ${url} failed; failures by reason: ${JSON.stringify(counter.failures)}`);
}
