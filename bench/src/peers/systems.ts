/** Our cluster and etcd's, side by side on the same disk, and what one request to each is. */
import { hostOf, type Target } from '../load/connection.js';
import { openLoop } from '../load/open-loop.js';
import {
  constantRequests,
  numberedRequests,
  requestSource,
  type NumberedRequests,
} from '../rules/numbered.js';
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
import type { Session } from '../system/session.js';
import { stockName, Trireme } from '../system/trireme.js';
import type { Contender } from './closed.js';
import { measureFailover, type Failover } from './failover.js';

/** Orders, and keys of etcd, that reads choose from at even chances. */
export const RECORDS = 1000;

/** Keys that one run may write: each run begins where the one before cannot have come. */
const KEYS_PER_RUN = 1_000_000;

export const OURS = 'trireme';
/** Another checkout of it. */
export const BEFORE = 'before';
export const ETCD = 'etcd';
export const ETCD_LINEARIZABLE = 'etcd linearizable';
export const ETCD_SERIALIZABLE = 'etcd serializable';

/** The order that is placed, and the value that etcd stores: the same bytes. */
const ORDER = orderBody({ name: stockName(0), type: 'sell', quantity: 1 });

/** Bytes of an order, and of etcd's value. */
export const ORDER_BYTES = ORDER.length;

/** Stocks of the cluster: as many as the built-in seed has. */
const STOCKS = 10;

const CACHE_SIZE = 5;

export class Peers {
  readonly #ours: Trireme;
  readonly #etcd: EtcdCluster;
  readonly #before: OtherCluster | null;
  #nextKey = KEYS_PER_RUN;

  private constructor(ours: Trireme, etcd: EtcdCluster, before: OtherCluster | null) {
    this.#ours = ours;
    this.#etcd = etcd;
    this.#before = before;
  }

  /**
   * Starts all, and gives all the records that are read later.
   * @param before folder of another checkout to compare with; null for none
   */
  static async start(session: Session, before: string | null): Promise<Peers> {
    const ours = await Trireme.start(session, { stocks: STOCKS, cacheSize: CACHE_SIZE });
    const size = { stocks: STOCKS, cacheSize: CACHE_SIZE };
    const other = before === null ? null : await startOtherCheckout(session, before, size);
    const peers = new Peers(ours, await EtcdCluster.start(session), other);
    await fill(ours.target, orderRequests(ours.target));
    if (other !== null) await fill(other.target, orderRequests(other.target));
    const leader = await peers.#etcdLeader();
    await fill(leader, putRequests(leader, 1));
    return peers;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#ours.stop(), this.#etcd.stop(), this.#before?.stop()]);
  }

  /** Orders against puts. */
  writers(): readonly Contender[] {
    const orders = (system: string, target: Target): Contender => ({
      system,
      prepare: async () => Promise.resolve({ target, requests: orderRequests(target) }),
    });
    return [
      orders(OURS, this.#ours.target),
      ...(this.#before === null ? [] : [orders(BEFORE, this.#before.target)]),
      {
        system: ETCD,
        prepare: async () => {
          const target = await this.#etcdLeader();
          return { target, requests: putRequests(target, this.#takeKeys()) };
        },
      },
    ];
  }

  /** Order reads against both kinds of etcd's reads. */
  readers(): readonly Contender[] {
    const orders = (system: string, target: Target): Contender => {
      const requests = numberedRequests(getRequest(hostOf(target), '/orders/#'), {
        kind: 'random',
        max: RECORDS,
      });
      return { system, prepare: async () => Promise.resolve({ target, requests }) };
    };
    const etcd = (system: string, serializable: boolean): Contender => ({
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
      orders(OURS, this.#ours.target),
      ...(this.#before === null ? [] : [orders(BEFORE, this.#before.target)]),
      etcd(ETCD_LINEARIZABLE, false),
      etcd(ETCD_SERIALIZABLE, true),
    ];
  }

  /** Kills our leader under load, and brings it back. */
  async failOverOurs(perSecond: number): Promise<Failover> {
    const { cluster, target } = this.#ours;
    const leader = await cluster.leader();
    if (leader === null) throw new Error('no replica leads');
    const outage = await measureFailover({
      ...{ target, requests: orderRequests(target), perSecond },
      kill: async () => {
        await cluster.kill(leader);
      },
    });
    await cluster.startProcess(leader);
    await cluster.waitProcessReady(leader);
    return outage;
  }

  /** Kills etcd's leader under load that comes to another member, and brings it back. */
  async failOverEtcd(perSecond: number): Promise<Failover> {
    const leader = await this.#etcd.waitLeader();
    const [other] = this.#etcd.othersThan(leader);
    if (other === undefined) throw new Error('etcd has one member only');
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

/** Puts of the order's bytes at keys that count up, each a new one. */
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
    throw new Error(`${hostOf(target)} refused writes: ${JSON.stringify(tally.failures)}`);
  }
}
