/**
 * The front-end's rules: stocks that it may answer without asking a catalog. Answers from the cache are
 * linearizable. The cache answers only while its lease is valid, and the catalog reports no entry as revoked
 * before every lease holder has dropped the stocks that the entry names. A later lease follows all revocations
 * on the link, so cached values stay usable after a lease has expired.
 */
import { Lease, type LeaseState, type Milliseconds } from './lease.js';
import type { LinkId } from './messages.js';

/** Storage of the cached values: a `Map`, or a bounded cache with the same methods. */
export interface ValueStore<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): unknown;
  delete(name: string): unknown;
  clear(): void;
}

export class LeasedCache<V> {
  readonly lease: Lease;
  readonly values: ValueStore<V>;
  #link: LinkId | null;

  /** @param link the open link, to which `lease` belongs; null if there is none */
  constructor(values: ValueStore<V>, lease?: LeaseState, link: LinkId | null = null) {
    this.values = values;
    this.lease = new Lease(lease);
    this.#link = link;
  }

  /** A link to a catalog has opened. @param link an id that this process has not used before */
  onConnected(link: LinkId): void {
    this.#clear();
    this.#link = link;
  }

  /** The link has closed, so no catalog sends revocations. Ignored if another link has opened since. */
  onDisconnected(link: LinkId): void {
    if (link !== this.#link) return;
    this.#clear();
    this.#link = null;
  }

  /** Records that a lease request is sent at `now`. Returns the id of the request. */
  requestLease(now: Milliseconds): number {
    return this.lease.recordRequest(now);
  }

  /** The catalog on `link` granted request `id` for `ms`. */
  onLease(link: LinkId, id: number, ms: Milliseconds): void {
    if (link === this.#link) this.lease.onGranted(id, ms);
  }

  /** Returns the value if it is cached and the lease is valid at `now`. */
  get(name: string, now: Milliseconds): V | undefined {
    return this.lease.isValid(now) ? this.values.get(name) : undefined;
  }

  /**
   * Stores a catalog's answer if it may be cached.
   * @param link the link of the answer. Answers of an older link are not stored, because no catalog would
   * revoke them.
   */
  fill(link: LinkId, name: string, value: V, cacheable: boolean): void {
    if (cacheable && link === this.#link) this.values.set(name, value);
  }

  /** Drops these stocks. They are dropped when it returns, so `dropped` may be sent then. */
  revoke(names: readonly string[]): void {
    for (const name of names) this.values.delete(name);
  }

  #clear(): void {
    this.lease.end();
    this.values.clear();
  }
}
