/**
 * Polls the cluster for all viewers of the dashboard: asks replicas and catalogs for reports, reads stocks
 * and the latest orders, and builds a snapshot. Without viewers it sends no requests.
 */
import type { Order, Stock } from '@trireme/domain';
import type { CatalogPool } from '../backends/catalog-pool.js';
import type { DeadlineTimer } from '../backends/deadline-timer.js';
import type { ReplicaPool } from '../backends/replica-pool.js';
import { NO_RESULT } from '../backends/retry.js';
import type { Deadline } from '../rules/deadlines.js';
import { ratesBetween, type OrderCounters, type TrafficSample } from '../rules/dashboard/traffic.js';
import type { EventJournal } from '../rules/dashboard/journal.js';
import { createSnapshot, type DashboardSnapshot } from '../rules/dashboard/snapshot.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../backends/stock-reader.js';

/** Maximum number of stocks shown, the first ones by name. */
const STOCKS_MAX = 60;
/** Maximum number of orders shown, the latest ones. */
const ORDERS_MAX = 30;
/** Period over which rates are computed, in milliseconds; shorter periods would make them fluctuate. */
const RATES_MS = 1_000;

interface ClusterPollerOptions {
  readonly servedBy: string;
  readonly replicas: ReplicaPool;
  readonly catalogs: CatalogPool;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly counters: OrderCounters;
  readonly journal: EventJournal;
  /** Deadlines of client requests; used to count the open ones. */
  readonly deadlines: DeadlineTimer;
  /** Deadlines of the reads of a poll. */
  readonly readDeadlines: DeadlineTimer;
}

export class ClusterPoller {
  readonly #options: ClusterPollerOptions;
  #stocks: readonly Stock[] = [];
  /** The latest first, without gaps. */
  #orders: readonly Order[] = [];
  /** In order of time. The first one is at least `RATES_MS` old, if any is. */
  #samples: TrafficSample[] = [];

  constructor(options: ClusterPollerOptions) {
    this.#options = options;
  }

  /** Links or the leader have changed. Called even without viewers. */
  onClusterChange(): void {
    const { replicas, catalogs, journal } = this.#options;
    const { views, leader } = replicas;
    journal.update({ replicas: views, leader, catalogs: catalogs.views }, performance.now(), Date.now());
  }

  /** Starts polling for the first viewer: discards old samples and asks for reports. */
  reset(): void {
    this.#samples = [];
    this.#options.replicas.requestReports();
    this.#options.catalogs.requestReports();
  }

  /**
   * Polls the cluster. Resolves with a snapshot once stocks and orders are read, or their deadline has
   * expired.
   */
  async poll(): Promise<DashboardSnapshot> {
    this.#options.replicas.requestReports();
    this.#options.catalogs.requestReports();
    const deadline = this.#options.readDeadlines.open();
    try {
      await this.#readStocks(deadline);
      // The reports, which have the number of orders, have arrived by now.
      await this.#readOrders(deadline);
    } finally {
      this.#options.readDeadlines.close(deadline);
    }
    return this.snapshot();
  }

  /** A snapshot of the current state, without polling. */
  snapshot(): DashboardSnapshot {
    const { servedBy, replicas, catalogs, journal, deadlines } = this.#options;
    const now = performance.now();
    return createSnapshot({
      now,
      time: Date.now(),
      servedBy,
      leader: replicas.leader,
      leaderlessMs: journal.leaderlessMs(now),
      replicas: replicas.views,
      catalogs: catalogs.views,
      stocks: this.#stocks,
      isCachedHere: (name) => catalogs.isCached(name),
      orders: this.#orders,
      traffic: this.#rates(now),
      requestsOpen: deadlines.size,
      events: journal.events,
    });
  }

  #rates(now: number): DashboardSnapshot['traffic'] {
    const sample = this.#options.counters.sample(this.#options.cache, now);
    this.#samples.push(sample);
    while (this.#samples[1] !== undefined && this.#samples[1].at <= now - RATES_MS) this.#samples.shift();
    return ratesBetween(this.#samples[0] ?? sample, sample);
  }

  async #readStocks(deadline: Deadline): Promise<void> {
    const page = await this.#options.stocks.list({ after: '', limit: STOCKS_MAX }, deadline);
    if (page !== NO_RESULT) this.#stocks = page.stocks;
  }

  /** Reads the orders since the last poll from the leader. */
  async #readOrders(deadline: Deadline): Promise<void> {
    const { replicas } = this.#options;
    const last = Math.max(0, ...replicas.views.map(({ lastReport }) => lastReport?.report.orders ?? 0));
    const known = this.#orders[0]?.number ?? 0;
    if (last <= known) return;
    const after = Math.max(known, last - ORDERS_MAX);
    const page = await replicas.requests.listOrders({ after, limit: ORDERS_MAX, name: null }, deadline);
    if (page === NO_RESULT) return;
    const kept = after === known ? this.#orders : [];
    this.#orders = [...page.orders.toReversed(), ...kept].slice(0, ORDERS_MAX);
  }
}
