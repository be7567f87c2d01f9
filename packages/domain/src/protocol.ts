/**
 * The frames between processes. Each is one MessagePack object whose field `t` is its type; items of which a frame may
 * have many (commands, reads, results) are flat lists. Links are ordered. The sender of a request chooses its id.
 */
import type { Cents } from './money.js';
import type { OrderType } from './order.js';
import type { CatalogReport, ReplicaReport } from './reports.js';

/** The version of these frames. The handshake refuses a link between different versions. */
export const PROTOCOL_VERSION = 8;

/** Maximum number of items in a frame. The sender splits longer lists, the receiver rejects them. */
export const FRAME_ITEMS_MAX = 1024;

/** Maximum number of rows of a page, and so the highest `limit` of a list. */
export const PAGE_ROWS_MAX = 1000;

// ---- front-end -> order replica ------------------------------------------------------------------------------

/** Maximum length of a request id, in characters. */
export const REQUEST_ID_LENGTH_MAX = 128;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a client's request id is used: 1 to `REQUEST_ID_LENGTH_MAX` visible ASCII characters. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REQUEST_ID_LENGTH_MAX && VISIBLE_ASCII.test(value);
}

/**
 * `[id, ...command]`, with the client's request id if it sent one. Processes only log that id, to trace the request.
 */
export type SubmitItemWire = readonly [
  id: number,
  kind: number,
  key: string,
  name: string,
  amount: number,
  requestId?: string,
];

/** The request id of the command at `position` of a batch. */
export type RequestTrace = readonly [position: number, requestId: string];

/** An order to look up. With `linearizable` only the leader answers `missing`, after a confirmed read. */
export type OrderReadItem = readonly [id: number, number: number, linearizable: boolean];

export type FrontendToReplica =
  | { readonly t: 'submit'; readonly items: readonly SubmitItemWire[] }
  | { readonly t: 'get'; readonly items: readonly OrderReadItem[] }
  /**
   * At most `limit` filled orders with numbers above `after`, of stock `name` unless it is null. Leader only. A list
   * examines a limited number of orders, so a page may be short or even empty before the end.
   */
  | {
      readonly t: 'list';
      readonly id: number;
      readonly after: number;
      readonly limit: number;
      readonly name: string | null;
    }
  /** Stocks to look up when no catalog answers. Leader only, from visible state after a confirmed read. */
  | { readonly t: 'lookup'; readonly items: readonly (readonly [id: number, name: string])[] }
  /** At most `limit` stocks with names after `after`, like `lookup`. Lists of orders and of stocks share one id space. */
  | { readonly t: 'listStocks'; readonly id: number; readonly after: string; readonly limit: number }
  /** Requests a report of the replica, for monitoring. */
  | { readonly t: 'report' };

// ---- order replica -> front-end ------------------------------------------------------------------------------

/**
 * The result of a submitted command. `refused`: this attempt had no effect. `lost`: the leader appended the command to
 * its log and then lost leadership, so the command may still be decided; a retry with the same key returns its outcome.
 * `invalid`: the command violates the protocol and never has an effect.
 */
export type SubmitResult =
  | readonly [id: number, result: 'filled', number: number, price: Cents]
  | readonly [id: number, result: 'done']
  | readonly [id: number, result: 'rejected', reason: string]
  | readonly [id: number, result: 'keyReused']
  | readonly [id: number, result: 'refused', why: 'notLeader' | 'busy']
  | readonly [id: number, result: 'lost']
  | readonly [id: number, result: 'invalid', reason: string];

/** `[number, name, type, quantity, price, time]` */
export type OrderWire = readonly [number, string, OrderType, number, Cents, number];

/**
 * `missing` is final if the read was linearizable. `refused`: retry at the leader. `invalid`: the item violates the
 * protocol.
 */
export type OrderReadResult =
  | readonly [id: number, result: 'order', order: OrderWire]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'refused', why: 'notLeader' | 'busy']
  | readonly [id: number, result: 'invalid', reason: string];

/** `missing` is final. `refused`: retry at the leader, or later. `invalid`: the item violates the protocol. */
export type StockReadResult =
  | readonly [id: number, result: 'stock', stock: StockWire]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'refused', why: 'notLeader' | 'busy']
  | readonly [id: number, result: 'invalid', reason: string];

/** A member of the group and the URL of its internal port; null if the group does not know it. */
export type MemberWire = readonly [id: string, url: string | null];

/** The members of the group. Of two frames the one with the higher index is newer. */
export interface MembershipFrame {
  readonly t: 'members';
  readonly index: number;
  readonly items: readonly MemberWire[];
}

/** A catalog of the configured set and the URL of its internal port; null if it has no link to this replica. */
export type CatalogWire = readonly [id: string, url: string | null];

export type ReplicaToFrontend =
  /** Sent when the link opens, and at each change. `leader` is null while no leader is known. */
  | { readonly t: 'leader'; readonly self: string; readonly leader: string | null; readonly term: number }
  /** Sent when the link opens, and at each change. */
  | MembershipFrame
  /** Sent when the link opens, and at each change. Replicas may know the URLs of different catalogs. */
  | { readonly t: 'catalogs'; readonly items: readonly CatalogWire[] }
  | { readonly t: 'submitted'; readonly items: readonly SubmitResult[] }
  | { readonly t: 'got'; readonly items: readonly OrderReadResult[] }
  /** The next page starts after number `next`, which is null at the end. A page may be short or empty before it. */
  | {
      readonly t: 'page';
      readonly id: number;
      readonly orders: readonly OrderWire[];
      readonly next: number | null;
    }
  /** Answers `lookup`. `life` is the id of the cluster instance, which entity tags contain. */
  | { readonly t: 'stocks'; readonly life: string; readonly items: readonly StockReadResult[] }
  /** Answers `listStocks`. The next page starts after the name `next`, which is null at the end. */
  | {
      readonly t: 'stockPage';
      readonly id: number;
      readonly stocks: readonly StockWire[];
      readonly next: string | null;
    }
  /** Answers a list of either kind. */
  | { readonly t: 'pageRefused'; readonly id: number; readonly why: 'notLeader' | 'busy' }
  | { readonly t: 'pageInvalid'; readonly id: number; readonly reason: string }
  /** Answers `report`. */
  | { readonly t: 'report'; readonly report: ReplicaReport };

// ---- front-end -> catalog ------------------------------------------------------------------------------------

export type FrontendToCatalog =
  /** Requests a lease. The front-end counts it from when it sent this frame. */
  | { readonly t: 'renew'; readonly id: number }
  | { readonly t: 'lookup'; readonly items: readonly (readonly [id: number, name: string])[] }
  | { readonly t: 'list'; readonly id: number; readonly after: string; readonly limit: number }
  /** Acknowledges revocation `seq` and all before it: the cache has dropped every stock named in them. */
  | { readonly t: 'dropped'; readonly seq: number }
  /** Requests a report of the catalog, for monitoring. */
  | { readonly t: 'report' };

// ---- catalog -> front-end ------------------------------------------------------------------------------------

/** `[name, price, quantity, version]` */
export type StockWire = readonly [string, Cents, number, number];

/**
 * `cacheable` is false while a change of this stock is pending: the answer is correct now, but must not be cached.
 * `unready`: the catalog holds no authority; retry at another catalog, or later. `invalid`: the item violates the
 * protocol.
 */
export type CatalogLookupResult =
  | readonly [id: number, result: 'stock', stock: StockWire, cacheable: boolean]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'unready']
  | readonly [id: number, result: 'invalid', reason: string];

export type CatalogToFrontend =
  /**
   * Sent once on a link, as soon as the catalog knows it and before any answer but `unready`. `life` is the id of the
   * cluster instance. Stock versions, and so entity tags, are comparable only within one instance.
   */
  | { readonly t: 'life'; readonly life: string }
  /** Grants the lease that `renew` number `id` requested, for `ms` milliseconds. */
  | { readonly t: 'lease'; readonly id: number; readonly ms: number }
  | { readonly t: 'stocks'; readonly items: readonly CatalogLookupResult[] }
  | {
      readonly t: 'page';
      readonly id: number;
      readonly stocks: readonly StockWire[];
      readonly next: string | null;
    }
  | { readonly t: 'pageUnready'; readonly id: number }
  | { readonly t: 'pageInvalid'; readonly id: number; readonly reason: string }
  /** The front-end drops these stocks and then answers `dropped`. `seq` increases by 1. */
  | { readonly t: 'revoke'; readonly seq: number; readonly names: readonly string[] }
  /** Answers `report`. */
  | { readonly t: 'report'; readonly report: CatalogReport };

// ---- replica -> catalog --------------------------------------------------------------------------------------

/** A catalog keeps a link open to every replica. Only a leader sends frames other than `members`. */
export type ReplicaToCatalog =
  | MembershipFrame
  /** The replica leads this term: the catalog attaches. Sent when it becomes leader, and when a link to a leader opens. */
  | { readonly t: 'lead'; readonly term: number }
  /** Answers `attach`: the catalog is not in the catalog set, or another instance of it has attached since. */
  | { readonly t: 'refused'; readonly reason: string }
  /**
   * Answers `attach`: the catalog's data belongs to another log, for example because all replicas were restored from a
   * copy. The catalog discards everything, closes the links of its front-ends, and attaches as a new instance.
   */
  | { readonly t: 'reset'; readonly reason: string }
  /**
   * A part of the visible stock table as of log index `index`, which replaces the catalog's. The parts are sent in order
   * with no other frame between them. `lastIndex` is the last batch up to `index` with a command that is not skipped,
   * and `hash` is the log's hash up to it.
   */
  | {
      readonly t: 'snapshot';
      readonly index: number;
      readonly life: string;
      readonly lastIndex: number;
      readonly hash: string;
      readonly part: number;
      readonly parts: number;
      readonly stocks: readonly StockWire[];
    }
  /**
   * The batch (an encoded `Batch`) at log index `index`, committed or not. It is null if the entries up to `index` that
   * were not sent do not concern a catalog.
   */
  | {
      readonly t: 'entry';
      readonly index: number;
      readonly batch: Uint8Array | null;
      /** Absent if no command is traced. */
      readonly traces?: readonly RequestTrace[];
    }
  /**
   * Entries up to log index `index` are visible. `skips` lists the positions of commands without effect, for each batch
   * that has some. `hash` is the log's hash up to the last of these batches.
   */
  | {
      readonly t: 'visible';
      readonly index: number;
      readonly skips: readonly (readonly [index: number, positions: readonly number[]])[];
      readonly hash: string;
    }
  /** Grants `requestAuthority` number `id`. The leader has sent every entry up to `logged` before. */
  | { readonly t: 'authority'; readonly id: number; readonly logged: number };

// ---- catalog -> replica --------------------------------------------------------------------------------------

export type CatalogToReplica =
  /** The first frame on a link: the URL at which front-ends reach the catalog's internal port. */
  | { readonly t: 'hello'; readonly url: string }
  /** Answers `lead` with its term. `packages/coherence` defines what `visible` and `hadAuthority` guarantee. */
  | {
      readonly t: 'attach';
      readonly term: number;
      /** Random id of the catalog's instance: 16 hex digits. */
      readonly process: string;
      readonly visible: number;
      readonly hadAuthority: boolean;
      /** Id of the cluster instance that it follows; null before the first snapshot. */
      readonly life: string | null;
      /** Index of the last applied batch, 0 if there is none. `hash` is the log's hash up to it. */
      readonly lastIndex: number;
      readonly hash: string;
    }
  | { readonly t: 'requestAuthority'; readonly id: number }
  /** No front-end can serve a value from before the entries up to log index `index`. */
  | { readonly t: 'revoked'; readonly index: number };

// ---- link paths ----------------------------------------------------------------------------------------------

/** The paths at which links are opened. */
export const LINK_PATHS = {
  frontendToReplica: '/links/frontend',
  frontendToCatalog: '/links/frontend',
  catalogToReplica: '/links/catalog',
} as const;
