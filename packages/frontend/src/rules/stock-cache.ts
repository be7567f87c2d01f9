/**
 * Stocks that may be answered without asking the catalog. A cached answer is linearizable: it is given only while the
 * lease holds, the catalog tells no one of a change before every holder of a lease has dropped the stock, and what was
 * kept under one lease is never used under a later one that does not follow without a gap.
 */
import { LRUMapWithDelete } from 'mnemonist';
import { assertRule, stockJson, type Stock } from '@trireme/domain';
import { Lease } from './lease.js';

/** A stock as it is answered. */
export interface StockView {
  readonly name: string;
  readonly version: number;
  /** The stock's JSON. */
  readonly json: string;
  /** Body of the answer to a lookup. */
  readonly body: string;
  readonly etag: string;
}

/** Names whose newest revocation is remembered at most. */
const FLOORS_MAX = 4096;

function viewOf(stock: Stock, life: string): StockView {
  const json = stockJson(stock);
  const { name, version } = stock;
  return { name, version, json, body: `{"data":${json}}`, etag: `"${life}-v${version}"` };
}

export class StockCache {
  readonly capacity: number;
  readonly #lease = new Lease();
  readonly #views: LRUMapWithDelete<string, StockView> | null;
  /**
   * The lowest version of a stock that may be kept, by name. Frames of a link come in order, so that an old answer
   * overtakes no revocation; the floors guard the cache against a catalog that breaks this. At the bound all of them
   * are forgotten, and no answer to a lookup that was asked until then is kept.
   */
  readonly #floors = new Map<string, number>();
  /** Answers to lookups up to this id are not kept. */
  #lookupIdFloor = 0;
  /** Null until the catalog has told it on the link that is open, which it does once it has a stock table. */
  #life: string | null = null;
  #hits = 0;
  #misses = 0;

  /** @param capacity stocks that are kept at most, the least recently used goes first; 0 keeps none. */
  constructor(capacity: number) {
    assertRule(Number.isSafeInteger(capacity) && capacity >= 0, 'cache capacity is a whole number from 0');
    this.capacity = capacity;
    this.#views = capacity === 0 ? null : new LRUMapWithDelete(capacity);
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

  /** Whether a lookup at `now` would be answered from here; asking changes nothing, neither counts nor order. */
  holds(name: string, now: number): boolean {
    return this.#lease.holds(now) && this.#views?.has(name) === true;
  }

  leaseRemainingMs(now: number): number {
    return this.#lease.remainingMs(now);
  }

  /** A renewal of the lease leaves at `now`; returns its id. */
  renew(now: number): number {
    return this.#lease.renew(now);
  }

  /** The catalog granted renewal `id` for `ms`, and this was read at `now`. */
  grant(id: number, ms: number, now: number): void {
    // Between two leases stocks may have changed without a word.
    if (!this.#lease.holds(now)) this.#views?.clear();
    this.#lease.grant(id, ms);
  }

  /** The life of the cluster, by the catalog that is linked; null while it is not known. */
  get life(): string | null {
    return this.#life;
  }

  /** The catalog that is linked told its life, before its first answer with a stock. */
  begin(life: string): void {
    this.#life = life;
  }

  /** The link to the catalog opened or closed. */
  reset(): void {
    this.#life = null;
    this.#lease.end();
    this.#views?.clear();
    this.#floors.clear();
    this.#lookupIdFloor = 0;
  }

  /** The stock, if it is kept and may be answered at `now` (milliseconds on the clock of the lease). */
  get(name: string, now: number): StockView | null {
    const view = this.#lease.holds(now) ? this.#views?.get(name) : undefined;
    if (view === undefined) this.#misses += 1;
    else this.#hits += 1;
    return view ?? null;
  }

  /**
   * The catalog's answer to lookup `lookupId` was read at `now`: gives what to answer with, and keeps it where it may
   * be kept. An answer that comes while no lease holds is not, as nobody would tell of the next change.
   */
  fill(stock: Stock, cacheable: boolean, lookupId: number, now: number): StockView {
    assertRule(this.#life !== null, 'a catalog tells its life before it answers');
    const view = viewOf(stock, this.#life);
    const floor = this.#floors.get(stock.name) ?? 0;
    if (cacheable && stock.version >= floor && lookupId > this.#lookupIdFloor && this.#lease.holds(now)) {
      const kept = this.#views?.peek(stock.name);
      if (kept === undefined || kept.version <= stock.version) this.#views?.set(stock.name, view);
    }
    return view;
  }

  /**
   * Drops these stocks and keeps no answer about them below `version`; done when it returns.
   * @param lookupIdLast the newest lookup that was asked before.
   */
  revoke(names: readonly string[], version: number, lookupIdLast: number): void {
    if (this.#views === null) return;
    for (const name of names) {
      this.#views.delete(name);
      if (this.#floors.size >= FLOORS_MAX && !this.#floors.has(name)) {
        this.#floors.clear();
        this.#lookupIdFloor = lookupIdLast;
      }
      this.#floors.set(name, Math.max(version, this.#floors.get(name) ?? 0));
    }
  }
}
