/** Stocks that may be answered without asking a catalog: a bounded `LeasedCache` of answers, with counts of its hits. */
import { LRUMapWithDelete } from 'mnemonist';
import { LeasedCache } from '@trireme/coherence';
import { assertRule, stockJson, type Stock } from '@trireme/domain';

/** A stock as it is answered. */
export interface StockView {
  readonly name: string;
  /** Body of the answer to a lookup. */
  readonly body: string;
  readonly etag: string;
}

/** @param life that of the cluster, as whoever answered tells it */
export function viewOf(stock: Stock, life: string): StockView {
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

  /** @param capacity stocks that are kept at most, the least recently used goes first; 0 keeps none. */
  constructor(capacity: number) {
    assertRule(Number.isSafeInteger(capacity) && capacity >= 0, 'cache capacity is a whole number from 0');
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

  /** The stock, if it is kept and may be answered at `now` (milliseconds on the clock of the lease). */
  get(name: string, now: number): StockView | null {
    const view = this.#leased.get(name, now);
    if (view === undefined) this.#misses += 1;
    else this.#hits += 1;
    return view ?? null;
  }

  /** Whether `get` would give the stock; asking changes nothing, neither counts nor order. */
  holds(name: string, now: number): boolean {
    return this.#leased.lease.holds(now) && this.#views?.has(name) === true;
  }

  /** When the last lease ends or ended; -Infinity if there was none on the link that is followed. */
  get leaseUntil(): number {
    return this.#leased.lease.state.until;
  }

  leaseRemainingMs(now: number): number {
    return this.#leased.lease.remainingMs(now);
  }

  /** From now on the cache follows the catalog on `link`, which it has never followed before. */
  onConnected(link: number): void {
    this.#leased.onConnected(link);
  }

  onDisconnected(link: number): void {
    this.#leased.onDisconnected(link);
  }

  /** A request for a lease leaves at `now` on the link that is followed; returns its id, from 1. */
  requestLease(now: number): number {
    return this.#leased.requestLease(now);
  }

  /** The catalog on `link` granted request `id` for `ms`. */
  onLease(link: number, id: number, ms: number): void {
    this.#leased.onLease(link, id, ms);
  }

  /** A catalog answered with this stock on `link`: keeps it where it may be kept. */
  fill(link: number, view: StockView, cacheable: boolean): void {
    if (this.#views !== null) this.#leased.fill(link, view.name, view, cacheable);
  }

  /** Drops these stocks; done when it returns. */
  revoke(names: readonly string[]): void {
    this.#leased.revoke(names);
  }
}
