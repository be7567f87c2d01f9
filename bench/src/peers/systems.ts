/** A Trireme cluster and an etcd cluster on the same disk, and the requests sent to each. */
import { hostOf, type Target } from '../load/connection.js';
import { openLoop } from '../load/open-loop.js';
import {
  constantRequests,
  numberedRequests,
  requestSource,
  type NumberedRequests,
} from '../rules/numbered-requests.js';
import {
  ETCD_KEY,
  etcdPutBody,
  etcdRangeBody,
  getRequest,
  orderBody,
  postRequest,
} from '../rules/requests.js';
import { EtcdCluster } from '../system/etcd.js';
import { startOtherCheckout, type OtherCluster } from '../system/other-checkout.js';
import type { BenchSession } from '../system/session.js';
import { stockName, TriremeCluster } from '../system/trireme.js';
import type { ComparedSystem } from './closed-comparison.js';
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
const ORDER = orderBody({ name: stockName(0), type: 'sell', quantity: 1 });

/** Size of an order's body, and of a value in etcd. */
export const ORDER_BYTES = ORDER.length;

/** Number of stocks, as in the built-in seed. */
const STOCKS = 10;

const CACHE_SIZE = 5;

export class ComparedSystems {
  readonly #ours: TriremeCluster;
  readonly #etcd: EtcdCluster;
  readonly #before: OtherCluster | null;
  #nextKey = KEYS_PER_RUN;

  private constructor(ours: TriremeCluster, etcd: EtcdCluster, before: OtherCluster | null) {
    this.#ours = ours;
    this.#etcd = etcd;
    this.#before = before;
  }

  /**
   * Starts all systems, and writes the records that are read later.
   * @param before folder of another checkout to compare with; null for none
   */
  static async start(session: BenchSession, before: string | null): Promise<ComparedSystems> {
    const ours = await TriremeCluster.start(session, { stocks: STOCKS, cacheSize: CACHE_SIZE });
    const size = { stocks: STOCKS, cacheSize: CACHE_SIZE };
    const other = before === null ? null : await startOtherCheckout(session, before, size);
    const peers = new ComparedSystems(ours, await EtcdCluster.start(session), other);
    await fill(ours.target, orderRequests(ours.target));
    if (other !== null) await fill(other.target, orderRequests(other.target));
    const leader = await peers.#etcdLeader();
    await fill(leader, putRequests(leader, 1));
    return peers;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#ours.stop(), this.#etcd.stop(), this.#before?.stop()]);
  }

  /** Systems that get writes: orders, and puts of etcd. */
  writers(): readonly ComparedSystem[] {
    const orders = (system: string, target: Target): ComparedSystem => ({
      system,
      prepare: async () => Promise.resolve({ target, requests: orderRequests(target) }),
    });
    return [
      orders(TRIREME, this.#ours.target),
      ...(this.#before === null ? [] : [orders(OTHER_CHECKOUT, this.#before.target)]),
      {
        system: ETCD,
        prepare: async () => {
          const target = await this.#etcdLeader();
          return { target, requests: putRequests(target, this.#takeKeys()) };
        },
      },
    ];
  }

  /** Systems that get reads: order reads, and etcd's linearizable and serializable reads. */
  readers(): readonly ComparedSystem[] {
    const orders = (system: string, target: Target): ComparedSystem => {
      const requests = numberedRequests(getRequest(hostOf(target), '/orders/#'), {
        kind: 'random',
        max: RECORDS,
      });
      return { system, prepare: async () => Promise.resolve({ target, requests }) };
    };
    const etcd = (system: string, serializable: boolean): ComparedSystem => ({
      system,
      prepare: async () => {
        const leader = await this.#etcdLeader();
        const request = postRequest(hostOf(leader), '/v3/kv/range', etcdRangeBody(ETCD_KEY, serializable));
        return {
          target: leader,
          requests: numberedRequests(request, { kind: 'random', max: RECORDS }),
        };
      },
    });
    return [
      orders(TRIREME, this.#ours.target),
      ...(this.#before === null ? [] : [orders(OTHER_CHECKOUT, this.#before.target)]),
      etcd(ETCD_LINEARIZABLE, false),
      etcd(ETCD_SERIALIZABLE, true),
    ];
  }

  /** Kills Trireme's leader under load, and restarts it. */
  async failOverTrireme(perSecond: number): Promise<Failover> {
    const { cluster, target } = this.#ours;
    const leader = await cluster.leaderName();
    if (leader === null) throw new Error('the cluster has no leader to kill');
    const outage = await measureFailover({
      ...{ target, requests: orderRequests(target), perSecond },
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
    const target = this.#etcd.target(other);
    const outage = await measureFailover({
      ...{ target, requests: putRequests(target, this.#takeKeys()), perSecond },
      kill: async () => this.#etcd.kill(leader),
    });
    this.#etcd.restart(leader);
    await this.#etcd.waitAll();
    return outage;
  }

  async #etcdLeader(): Promise<Target> {
    return this.#etcd.target(await this.#etcd.waitLeader());
  }

  #takeKeys(): number {
    const from = this.#nextKey;
    this.#nextKey += KEYS_PER_RUN;
    return from;
  }
}

function orderRequests(target: Target): NumberedRequests {
  return constantRequests(postRequest(hostOf(target), '/orders', ORDER));
}

/** Puts of the order's bytes at ascending keys, starting with number `from`. */
function putRequests(target: Target, from: number): NumberedRequests {
  const request = postRequest(hostOf(target), '/v3/kv/put', etcdPutBody(ETCD_KEY, ORDER));
  return numberedRequests(request, { kind: 'ascending', from });
}

async function fill(target: Target, requests: NumberedRequests): Promise<void> {
  const { tally } = await openLoop({
    ...{ target, connections: 16, perSecond: 1000, count: RECORDS },
    next: requestSource(requests, Math.random),
  });
  if (tally.failed > 0) {
    throw new Error(
      `writes to ${hostOf(target)} failed; failures by reason: ${JSON.stringify(tally.failures)}`,
    );
  }
}
