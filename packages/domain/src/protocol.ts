/**
 * The frames between the processes, one MessagePack value each. What is many a frame (orders, reads, outcomes) is a
 * flat list, the rest are objects. `t` tells frames of one direction apart. A link is ordered; ids are the asker's own.
 */
import type { Cents } from './money.js';
import type { OrderType } from './order.js';
import type { CatalogReport, ReplicaReport } from './reports.js';

/** The version of these frames; a link between two versions is refused when it opens. */
export const PROTOCOL_VERSION = 7;

/** Items in one frame at most. The sender splits what is more, the receiver refuses it. */
export const FRAME_ITEMS_MAX = 1024;

/** Rows of a page at most, and so the highest `limit` of a list. */
export const PAGE_ROWS_MAX = 1000;

// ---- front-end -> order replica ------------------------------------------------------------------------------

/** Longest id of a request, in characters. */
export const REQUEST_ID_LENGTH_MAX = 128;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a client's request id is taken over: 1 to `REQUEST_ID_LENGTH_MAX` visible ASCII characters. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REQUEST_ID_LENGTH_MAX && VISIBLE_ASCII.test(value);
}

/**
 * `[id, ...command]`, and the id of the request that brought it where its client gave one: it is followed through every
 * process's log, and nothing else is done with it.
 */
export type SubmitItem = readonly [
  id: number,
  kind: number,
  key: string,
  name: string,
  amount: number,
  requestId?: string,
];

/** A command of a batch, by its position in it, with the id of the request that brought it. */
export type RequestTrace = readonly [position: number, requestId: string];

/** Order numbers to look up. With `linearizable` only the leader answers "missing", after a confirmed read. */
export type GetItem = readonly [id: number, number: number, linearizable: boolean];

export type ToReplica =
  | { readonly t: 'submit'; readonly items: readonly SubmitItem[] }
  | { readonly t: 'get'; readonly items: readonly GetItem[] }
  /**
   * Filled orders after number `after`, at most `limit`, of stock `name` where it is not null. Leader only. One list
   * examines a bounded number of orders, so that its page may be short, even empty, before the end.
   */
  | {
      readonly t: 'list';
      readonly id: number;
      readonly after: number;
      readonly limit: number;
      readonly name: string | null;
    }
  /** Asks what the replica is doing; for people who watch. */
  | { readonly t: 'report' };

// ---- order replica -> front-end ------------------------------------------------------------------------------

/**
 * What became of a submitted command. `refused` surely had no effect from this attempt; `lost` was logged by a leader
 * that then lost its lead: it may still be decided, and asking again with its key tells. `invalid` is not a command
 * within the bounds of the protocol: it had no effect, and never can have one.
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

/** `missing` is final where the read was linearizable; `refused` asks to try the leader; `invalid` is not a question of the protocol. */
export type GetResult =
  | readonly [id: number, result: 'order', order: OrderWire]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'refused', why: 'notLeader' | 'busy']
  | readonly [id: number, result: 'invalid', reason: string];

/** A member of the group, and the url of its internal port; null where the group was never told. */
export type MemberWire = readonly [id: string, url: string | null];

export type FromReplica =
  /** Sent when the link opens and whenever it changes. `leader` is null while none is known. */
  | { readonly t: 'leader'; readonly self: string; readonly leader: string | null; readonly term: number }
  /** Sent likewise: who is in the group. Of two lists the one with the higher index is the later one. */
  | { readonly t: 'members'; readonly index: number; readonly items: readonly MemberWire[] }
  | { readonly t: 'submitted'; readonly items: readonly SubmitResult[] }
  | { readonly t: 'got'; readonly items: readonly GetResult[] }
  /** `next` is the number to go on after, null at the end; a page may be short, even empty, before the end. */
  | {
      readonly t: 'page';
      readonly id: number;
      readonly orders: readonly OrderWire[];
      readonly next: number | null;
    }
  | { readonly t: 'pageRefused'; readonly id: number; readonly why: 'notLeader' | 'busy' }
  | { readonly t: 'pageInvalid'; readonly id: number; readonly reason: string }
  /** Answers `report`. */
  | { readonly t: 'report'; readonly report: ReplicaReport };

// ---- front-end -> catalog ------------------------------------------------------------------------------------

export type FrontendToCatalog =
  /** Asks for a lease. The asker counts it from when it sent this. */
  | { readonly t: 'renew'; readonly id: number }
  | { readonly t: 'lookup'; readonly items: readonly (readonly [id: number, name: string])[] }
  | { readonly t: 'list'; readonly id: number; readonly after: string; readonly limit: number }
  /** Every stock named in revocation `seq`, and in those before it, is out of the cache. */
  | { readonly t: 'dropped'; readonly seq: number }
  /** Asks what the catalog is doing; for people who watch. */
  | { readonly t: 'report' };

// ---- catalog -> front-end ------------------------------------------------------------------------------------

/** `[name, price, quantity, version]` */
export type StockWire = readonly [string, Cents, number, number];

/**
 * `cacheable` is false while a change of this stock is under way: the answer is right now, and must not be kept.
 * `unready`: the catalog does not know yet whether it has seen everything that was decided; ask again. `invalid` is not a
 * question of the protocol.
 */
export type LookupResult =
  | readonly [id: number, result: 'stock', stock: StockWire, cacheable: boolean]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'unready']
  | readonly [id: number, result: 'invalid', reason: string];

export type CatalogToFrontend =
  /**
   * Sent once the catalog knows it, before any answer but `unready`; a link has one. Versions of stocks, and so entity tags, mean
   * something within one life only.
   */
  | { readonly t: 'life'; readonly life: string }
  /** Grants what `renew` number `id` asked for, for `ms` milliseconds. */
  | { readonly t: 'lease'; readonly id: number; readonly ms: number }
  | { readonly t: 'stocks'; readonly items: readonly LookupResult[] }
  | {
      readonly t: 'page';
      readonly id: number;
      readonly stocks: readonly StockWire[];
      readonly next: string | null;
    }
  | { readonly t: 'pageUnready'; readonly id: number }
  | { readonly t: 'pageInvalid'; readonly id: number; readonly reason: string }
  /** Drop these stocks, keep no fill of them with a version below `version`, then answer `dropped`. `seq` rises by 1. */
  | {
      readonly t: 'revoke';
      readonly seq: number;
      readonly version: number;
      readonly names: readonly string[];
    }
  /** Answers `report`. */
  | { readonly t: 'report'; readonly report: CatalogReport };

// ---- leader -> catalog ---------------------------------------------------------------------------------------

export type LeaderToCatalog =
  /** A leader has begun its work on this link, and asks how far the catalog is. */
  | { readonly t: 'begin' }
  /**
   * A part of the stock table as of log index `index`, which takes the place of what the catalog has. The parts come in
   * their order, one right after the other. `hash` is that of the log up to there.
   */
  | {
      readonly t: 'snapshot';
      readonly index: number;
      readonly life: string;
      readonly hash: string;
      readonly part: number;
      readonly parts: number;
      readonly stocks: readonly StockWire[];
    }
  /**
   * The leader was confirmed by its majority after `standing` came on this link, and every entry that any client may have been
   * told of before is at or below log index `upTo`: once the catalog has applied that far, it may answer look-ups.
   */
  | { readonly t: 'attach'; readonly upTo: number }
  /**
   * The committed batch (an encoded `Batch`) at log index `index`, the next one with commands after `prev`. Positions in `skip`
   * make nothing. `hash` is that of the log up to and with this batch, and its outcomes.
   */
  | {
      readonly t: 'entry';
      readonly index: number;
      readonly prev: number;
      readonly skip: readonly number[];
      readonly hash: string;
      readonly batch: Uint8Array;
      /** Left out where no command is followed. */
      readonly traces?: readonly RequestTrace[];
    };

// ---- catalog -> leader ---------------------------------------------------------------------------------------

export type CatalogToLeader =
  /** Answers `begin`: the last log index that is applied and revoked, 0 for none, and the hash of the log up to there. */
  | { readonly t: 'standing'; readonly lastIndex: number; readonly hash: string }
  /** Everything up to log index `index` is applied, and no front-end can answer with what it changed. */
  | { readonly t: 'revoked'; readonly index: number }
  /**
   * `prev` of an entry is not `lastIndex`, or a snapshot that goes back in the log, or is of another log, took the place of what
   * the catalog had, so that `standing` and `attach` on this link count no more. Begin again.
   */
  | { readonly t: 'refused'; readonly lastIndex: number };

// ---- link names ----------------------------------------------------------------------------------------------

/** Paths that links are opened at, one for each kind of asker. */
export const LINK_PATHS = {
  frontendToReplica: '/links/frontend',
  frontendToCatalog: '/links/frontend',
  leaderToCatalog: '/links/leader',
} as const;
