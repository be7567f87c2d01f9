/**
 * A front-end's part: stocks that it may answer without asking a catalog. An answer from here is linearizable: it is given
 * only while the lease holds, and the catalog reports no entry as revoked before every holder of a lease has dropped
 * what the entry names. A later lease stands behind all revocations on the link, so what is kept outlives a lapse.
 */
import { Lease, type LeaseState, type Milliseconds } from './lease.js';
import type { LinkId } from './messages.js';

/** Where values are kept: a `Map`, or a bounded cache with the same methods. */
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

  /** @param link the link that is open, with the lease of that link; null if none is */
  constructor(values: ValueStore<V>, lease?: LeaseState, link: LinkId | null = null) {
    this.values = values;
    this.lease = new Lease(lease);
    this.#link = link;
  }

  /** A link to a catalog is open. @param link never used before in this process */
  onConnected(link: LinkId): void {
    this.#clear();
    this.#link = link;
  }

  /** The link is closed: no catalog tells of changes any more. Changes nothing if another link is open by now. */
  onDisconnected(link: LinkId): void {
    if (link !== this.#link) return;
    this.#clear();
    this.#link = null;
  }

  /** A request for a lease leaves at `now`. Returns its id. */
  requestLease(now: Milliseconds): number {
    return this.lease.request(now);
  }

  /** The catalog on `link` granted request `id` for `ms`. */
  onLease(link: LinkId, id: number, ms: Milliseconds): void {
    if (link === this.#link) this.lease.grant(id, ms);
  }

  /** The value, if it is kept and may be answered at `now`. */
  get(name: string, now: Milliseconds): V | undefined {
    return this.lease.holds(now) ? this.values.get(name) : undefined;
  }

  /**
   * Keeps a catalog's answer if it may be kept.
   * @param link the link that the answer came on: nobody revokes an answer of an older link
   */
  fill(link: LinkId, name: string, value: V, cacheable: boolean): void {
    if (cacheable && link === this.#link) this.values.set(name, value);
  }

  /** Drops these stocks. Done when it returns, so that the answer `dropped` may be sent. */
  revoke(names: readonly string[]): void {
    for (const name of names) this.values.delete(name);
  }

  #clear(): void {
    this.lease.end();
    this.values.clear();
  }
}
