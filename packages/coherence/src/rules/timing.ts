/**
 * Durations of authority and leases. They must be equal in all processes of a cluster, because the rules depend
 * on it.
 */
import type { CatalogTiming } from './catalog.js';
import type { Milliseconds } from './lease.js';

/**
 * How long a catalog may answer under one grant. After a catalog is lost, no outcome is acknowledged before its
 * authority has expired, so this is short.
 */
export const AUTHORITY_MS: Milliseconds = 125;

/** Interval at which a catalog renews its authority and a front-end its lease: five times during one grant. */
export const RENEWAL_MS: Milliseconds = AUTHORITY_MS / 5;

/**
 * How long a look-up of a pending stock waits at a catalog, and how long a front-end asks catalogs before it
 * asks the leader. The leader can answer such a look-up while the order waits for the authority of a lost
 * catalog to expire.
 */
export const LOOKUP_WAIT_MS: Milliseconds = 50;

export const CATALOG_TIMING: CatalogTiming = {
  authorityMs: AUTHORITY_MS,
  leaseMs: AUTHORITY_MS,
  lookupWaitMs: LOOKUP_WAIT_MS,
};
