/** The frames between front-ends and catalogs. The sender of a request chooses its id. */
import { FormatError } from '../errors.js';
import { expectBoolean, expectText } from '../guards.js';
import { catalogReport } from './reports.js';
import {
  fields,
  integer,
  items,
  listOf,
  text,
  tolerant,
  tolerantById,
  type Check,
  type ReceivedFrame,
  type SentFrame,
} from './schema.js';
import { afterName, life, lookup, pageLimit, stockPage, stockWire } from './values.js';

/** The frames from a front-end to a catalog, each with its check. */
export const FRONTEND_TO_CATALOG = {
  /** Requests a lease. The front-end counts it from when it sent this frame. */
  renew: fields({ id: integer() }),
  lookup,
  list: tolerantById('invalidList', { limit: pageLimit, after: afterName }),
  /** Acknowledges revocation `seq` and all before it: the cache has dropped every stock named in them. */
  dropped: fields({ seq: integer(1) }),
  /** Requests a report of the catalog, for monitoring. */
  report: fields({}),
};

/** A frame that a front-end sends to a catalog. */
export type FrontendToCatalog = SentFrame<typeof FRONTEND_TO_CATALOG>;
/** A frame that a catalog received: invalid parts of it are marked instead of refused. */
export type ReceivedFrontendToCatalog = ReceivedFrame<typeof FRONTEND_TO_CATALOG>;

/**
 * `stock` ends with whether it is cacheable: not while a change of this stock is pending, although the answer is correct
 * now. `unready`: the catalog holds no authority; retry at another catalog, or later. `invalid`: violates the protocol.
 */
export type CatalogLookupResult = ReturnType<typeof lookupResult>;

function lookupResult(id: number, item: readonly unknown[]) {
  switch (item[1]) {
    case 'stock':
      return [id, 'stock', stockWire(item[2]), expectBoolean(item[3], 'cacheable')] as const;
    case 'missing':
      return [id, 'missing'] as const;
    case 'unready':
      return [id, 'unready'] as const;
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')] as const;
    default:
      throw new FormatError('look-up result has an unknown kind');
  }
}

/** Longest lease, in milliseconds; a longer one is cut. */
const LEASE_MS_MAX = 60_000;

/** The remaining time of an authority, which need not be a whole number. */
const leaseMs: Check<number> = (value, what) => {
  if (typeof value !== 'number' || !(value >= 0)) throw new FormatError(`${what} is not a duration`);
  return Math.min(value, LEASE_MS_MAX);
};

/** The frames from a catalog to a front-end, each with its check. */
export const CATALOG_TO_FRONTEND = {
  /**
   * Sent once on a link, as soon as the catalog knows it and before any answer but `unready`. Stock versions, and so
   * entity tags, are comparable only within one life of a cluster.
   */
  life: fields({ life }),
  /** Grants the lease that `renew` number `id` requested, for `ms` milliseconds. */
  lease: fields({ id: integer(), ms: leaseMs }),
  stocks: items(lookupResult),
  page: tolerantById('invalidPage', stockPage),
  pageUnready: fields({ id: integer() }),
  pageInvalid: tolerantById('invalidPage', { reason: text() }),
  /** The front-end drops these stocks and then answers `dropped`. `seq` increases by 1. */
  revoke: fields({ seq: integer(), names: listOf(text(), 'name') }),
  /** Answers `report`. */
  report: tolerant('invalidReport', { report: catalogReport }),
};

/** A frame that a catalog sends to a front-end. */
export type CatalogToFrontend = SentFrame<typeof CATALOG_TO_FRONTEND>;
/** A frame that a front-end received from a catalog: invalid parts of it are marked instead of refused. */
export type ReceivedCatalogToFrontend = ReceivedFrame<typeof CATALOG_TO_FRONTEND>;
