/** How long authority and leases last: the same in every process of a cluster, as each counts on what the others do. */
import type { CatalogTiming } from './catalog.js';
import type { Milliseconds } from './lease.js';

/**
 * For how long a catalog may answer under one grant. Nobody is told an outcome before a catalog that was lost is surely out of
 * this time, so it is short.
 */
export const AUTHORITY_MS: Milliseconds = 125;

/** A catalog asks for authority, and a front-end for a lease, as often as this: five times while one grant lasts. */
export const RENEWAL_MS: Milliseconds = AUTHORITY_MS / 5;

/**
 * For how long a look-up waits at a catalog for a stock that an order is about to change, and for how long a front-end asks
 * catalogs at all: the leader need not wait where that order is held up by a catalog that was lost.
 */
export const LOOKUP_MS: Milliseconds = 50;

export const CATALOG_TIMING: CatalogTiming = {
  authorityMs: AUTHORITY_MS,
  leaseMs: AUTHORITY_MS,
  lookupMs: LOOKUP_MS,
};
