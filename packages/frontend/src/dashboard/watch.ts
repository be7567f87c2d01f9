/**
 * The one look at the cluster that all viewers of the dashboard share: while somebody watches it asks replicas and
 * catalogs what they are doing, reads stocks and the newest orders, and makes a snapshot of it. While nobody does it asks
 * nothing.
 */
import type { Order, Stock } from '@trireme/domain';
import type { Catalogs } from '../catalogs.js';
import type { DeadlineTimer } from '../deadline-timer.js';
import type { Replicas } from '../replicas.js';
import { NO_RESULT } from '../retry.js';
import type { Deadline } from '../rules/deadlines.js';
import { ratesBetween, type OrderCounters, type TrafficLook } from '../rules/dashboard/traffic.js';
import type { Journal } from '../rules/dashboard/journal.js';
import { snapshotOf, type DashboardSnapshot } from '../rules/dashboard/snapshot.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../stock-reader.js';

/** Stocks that are shown at most, the first by name. */
const STOCKS_MAX = 60;
/** Orders that are shown at most, the newest. */
const ORDERS_MAX = 30;
/** Rates are those since the look nearest to this long ago: shorter, and they would jump about. In milliseconds. */
const RATES_MS = 1_000;

interface WatchOptions {
  readonly servedBy: string;
  readonly replicas: Replicas;
  readonly catalogs: Catalogs;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly counters: OrderCounters;
  readonly journal: Journal;
  /** Of the requests of clients; looked at for how many are open. */
  readonly deadlines: DeadlineTimer;
  /** For what the watch itself reads. */
  readonly patience: DeadlineTimer;
}

export class Watch {
  readonly #o: WatchOptions;
  #stocks: readonly Stock[] = [];
  /** The newest first, without gaps. */
  #orders: readonly Order[] = [];
  /** In order of time, the first one at least `RATES_MS` old if any is. */
  #looks: TrafficLook[] = [];

  constructor(options: WatchOptions) {
    this.#o = options;
  }

  /** Something about links or leaders has changed; called whether or not anyone watches. */
  changed(): void {
    const { replicas, catalogs, journal } = this.#o;
    const { members, leader } = replicas;
    journal.look({ replicas: members, leader, catalogs: catalogs.members }, performance.now(), Date.now());
  }

  /** Begins anew: what was measured before is too old to compare with. */
  begin(): void {
    this.#looks = [];
    this.#o.replicas.askReports();
    this.#o.catalogs.askReports();
  }

  /** Asks everyone, and gives what is known once stocks and orders have come, or not come in time. */
  async look(): Promise<DashboardSnapshot> {
    this.#o.replicas.askReports();
    this.#o.catalogs.askReports();
    const deadline = this.#o.patience.open();
    try {
      await this.#readStocks(deadline);
      // By now the reports have come that tell how many orders there are.
      await this.#readOrders(deadline);
    } finally {
      this.#o.patience.close(deadline);
    }
    return this.snapshot();
  }

  /** What is known now, without asking. */
  snapshot(): DashboardSnapshot {
    const { servedBy, replicas, catalogs, journal, deadlines } = this.#o;
    const now = performance.now();
    return snapshotOf({
      ...{
        now,
        time: Date.now(),
        servedBy,
        leader: replicas.leader,
        leaderlessMs: journal.leaderlessMs(now),
      },
      ...{ replicas: replicas.members, catalogs: catalogs.members },
      ...{ stocks: this.#stocks, isCachedHere: (name) => catalogs.isCached(name), orders: this.#orders },
      traffic: this.#rates(now),
      requestsOpen: deadlines.size,
      events: journal.events,
    });
  }

  #rates(now: number): DashboardSnapshot['traffic'] {
    const look = this.#o.counters.look(this.#o.cache, now);
    this.#looks.push(look);
    while (this.#looks[1] !== undefined && this.#looks[1].at <= now - RATES_MS) this.#looks.shift();
    return ratesBetween(this.#looks[0] ?? look, look);
  }

  async #readStocks(deadline: Deadline): Promise<void> {
    const page = await this.#o.stocks.list({ after: '', limit: STOCKS_MAX }, deadline);
    if (page !== NO_RESULT) this.#stocks = page.stocks;
  }

  /** Reads the orders that have come since the last look, as the leader has them. */
  async #readOrders(deadline: Deadline): Promise<void> {
    const { replicas } = this.#o;
    const last = Math.max(0, ...replicas.members.map(({ reported }) => reported?.report.orders ?? 0));
    const known = this.#orders[0]?.number ?? 0;
    if (last <= known) return;
    const after = Math.max(known, last - ORDERS_MAX);
    const page = await replicas.list({ after, limit: ORDERS_MAX, name: null }, deadline);
    if (page === NO_RESULT) return;
    const kept = after === known ? this.#orders : [];
    this.#orders = [...page.orders.toReversed(), ...kept].slice(0, ORDERS_MAX);
  }
}
