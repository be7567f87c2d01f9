/**
 * A front-end's part: stocks that it may answer without asking a catalog. An answer from here is linearizable: it is given
 * only while the lease holds, and the catalog reports no entry as revoked before every holder of a lease has dropped
 * what the entry names. A later lease stands behind all revocations on the link, so what is kept outlives a lapse.
 */
import { Lease, type LeaseState, type Milliseconds } from './lease.js';

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

  constructor(values: ValueStore<V>, lease?: LeaseState) {
    this.values = values;
    this.lease = new Lease(lease);
  }

  /** The link to the catalog opened or closed: nobody tells of changes any more. */
  reset(): void {
    this.lease.end();
    this.values.clear();
  }

  /** A request for a lease leaves at `now`. Returns its id. */
  requestLease(now: Milliseconds): number {
    return this.lease.request(now);
  }

  /** The catalog granted request `id` for `ms`. */
  granted(id: number, ms: Milliseconds): void {
    this.lease.grant(id, ms);
  }

  /** The value, if it is kept and may be answered at `now`. */
  get(name: string, now: Milliseconds): V | undefined {
    return this.lease.holds(now) ? this.values.get(name) : undefined;
  }

  /** A catalog's answer was read: keeps it if it may be kept. */
  fill(name: string, value: V, cacheable: boolean): void {
    if (cacheable) this.values.set(name, value);
  }

  /** Drops these stocks. Done when it returns, so that the answer `dropped` may be sent. */
  revoke(names: readonly string[]): void {
    for (const name of names) this.values.delete(name);
  }
}
