/**
 * Stocks that can be served without asking a catalog: a bounded `LeasedCache` of response bodies with hit
 * counters.
 */
import { LRUMapWithDelete } from 'mnemonist';
import { LeasedCache } from '@trireme/coherence';
import { assertInvariant, stockJson, type Stock } from '@trireme/domain';

/** A stock as sent to clients. */
export interface StockView {
  readonly name: string;
  /** Body of the response to a look-up. */
  readonly body: string;
  readonly etag: string;
}

/** @param life life of the cluster, as sent by the process that answered. */
export function toStockView(stock: Stock, life: string): StockView {
  return {
    name: stock.name,
    body: `{"data":${stockJson(stock)}}`,
    etag: `"${life}-v${stock.version}"`,
  };
}

export class StockCache {
  readonly capacity: number;
  readonly #views: LRUMapWithDelete<string, StockView> | null;
  readonly #leased: LeasedCache<StockView>;
  #hits = 0;
  #misses = 0;

  /**
   * @param capacity maximum number of stocks; the least recently used one is evicted first. 0 disables the
   *   cache.
   */
  constructor(capacity: number) {
    assertInvariant(
      Number.isSafeInteger(capacity) && capacity >= 0,
      'cache capacity is a non-negative integer',
    );
    this.capacity = capacity;
    this.#views = capacity === 0 ? null : new LRUMapWithDelete(capacity);
    this.#leased = new LeasedCache(this.#views ?? new Map<string, StockView>());
  }

  get size(): number {
    return this.#views?.size ?? 0;
  }

  get hits(): number {
    return this.#hits;
  }

  get misses(): number {
    return this.#misses;
  }

  /** The stock if it is cached and the lease holds at `now` (milliseconds on the lease clock), else null. */
  get(name: string, now: number): StockView | null {
    const view = this.#leased.get(name, now);
    if (view === undefined) this.#misses += 1;
    else this.#hits += 1;
    return view ?? null;
  }

  /** Whether `get` would return the stock. Changes neither counters nor the order of use. */
  has(name: string, now: number): boolean {
    return this.#leased.lease.isValid(now) && this.#views?.has(name) === true;
  }

  /** When the last lease ends or ended; -Infinity if the followed link has had none. */
  get leaseUntil(): number {
    return this.#leased.lease.state.until;
  }

  leaseRemainingMs(now: number): number {
    return this.#leased.lease.remainingMs(now);
  }

  /** The cache follows the catalog on `link` from now on. A link must not be followed twice. */
  onConnected(link: number): void {
    this.#leased.onConnected(link);
  }

  onDisconnected(link: number): void {
    this.#leased.onDisconnected(link);
  }

  /** A lease request is sent at `now` on the followed link. @returns its id, from 1. */
  requestLease(now: number): number {
    return this.#leased.requestLease(now);
  }

  /** The catalog on `link` granted lease request `id` for `ms` milliseconds. */
  onLease(link: number, id: number, ms: number): void {
    this.#leased.onLease(link, id, ms);
  }

  /**
   * A catalog answered with this stock on `link`: caches it if `cacheable` and the link is the followed one.
   */
  fill(link: number, view: StockView, cacheable: boolean): void {
    if (this.#views !== null) this.#leased.fill(link, view.name, view, cacheable);
  }

  /** Drops these stocks before it returns. */
  revoke(names: readonly string[]): void {
    this.#leased.revoke(names);
  }
}
