/**
 * The frames between the processes, one MessagePack value each. What is many a frame (orders, reads, outcomes) is a
 * flat list, the rest are objects. `t` tells frames of one direction apart. A link is ordered; ids are the asker's own.
 */
import type { Cents } from './money.js';
import type { OrderType } from './order.js';
import type { CatalogReport, ReplicaReport } from './reports.js';

/** The version of these frames; a link between two versions is refused when it opens. */
export const PROTOCOL_VERSION = 8;

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
  /** Stocks to look up, for where no catalog answers. Leader only, after a confirmed read of visible state. */
  | { readonly t: 'lookup'; readonly items: readonly (readonly [id: number, name: string])[] }
  /** At most `limit` stocks whose names come after `after`, likewise. Ids of lists of orders and stocks come from one source. */
  | { readonly t: 'listStocks'; readonly id: number; readonly after: string; readonly limit: number }
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

/** `missing` is final; `refused` asks to try the leader, or again; `invalid` is not a question of the protocol. */
export type StockResult =
  | readonly [id: number, result: 'stock', stock: StockWire]
  | readonly [id: number, result: 'missing']
  | readonly [id: number, result: 'refused', why: 'notLeader' | 'busy']
  | readonly [id: number, result: 'invalid', reason: string];

/** A member of the group, and the url of its internal port; null where the group was never told. */
export type MemberWire = readonly [id: string, url: string | null];

/** Who is in the group. Of two lists the one with the higher index is the later one. */
export interface MembersFrame {
  readonly t: 'members';
  readonly index: number;
  readonly items: readonly MemberWire[];
}

/** A catalog of the configured set, and the url of its internal port; null where it is not linked to this replica. */
export type CatalogWire = readonly [id: string, url: string | null];

export type FromReplica =
  /** Sent when the link opens and whenever it changes. `leader` is null while none is known. */
  | { readonly t: 'leader'; readonly self: string; readonly leader: string | null; readonly term: number }
  /** Sent likewise. */
  | MembersFrame
  /** Sent likewise: the catalogs of the configured set. Another replica may know where others of them are. */
  | { readonly t: 'catalogs'; readonly items: readonly CatalogWire[] }
  | { readonly t: 'submitted'; readonly items: readonly SubmitResult[] }
  | { readonly t: 'got'; readonly items: readonly GetResult[] }
  /** `next` is the number to go on after, null at the end; a page may be short, even empty, before the end. */
  | {
      readonly t: 'page';
      readonly id: number;
      readonly orders: readonly OrderWire[];
      readonly next: number | null;
    }
  /** Answers `lookup`. `life` is that of the cluster, as entity tags name it. */
  | { readonly t: 'stocks'; readonly life: string; readonly items: readonly StockResult[] }
  /** Answers `listStocks`. `next` is the name to go on after, null at the end. */
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
 * `unready`: the catalog holds no authority now; ask another one, or again. `invalid` is not a question of the protocol.
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
  /** Drop these stocks, then answer `dropped`. `seq` rises by 1. */
  | { readonly t: 'revoke'; readonly seq: number; readonly names: readonly string[] }
  /** Answers `report`. */
  | { readonly t: 'report'; readonly report: CatalogReport };

// ---- replica -> catalog --------------------------------------------------------------------------------------

/** A catalog keeps a link open to every replica. All but `members` come from one that leads. */
export type ReplicaToCatalog =
  | MembersFrame
  /** The replica leads in this term: the catalog is to attach. Sent when it begins to lead, and when a link opens to one that leads. */
  | { readonly t: 'lead'; readonly term: number }
  /** Answers `attach`: the leader does not lead this process on, as it is not in the set of catalogs or another one took its place. */
  | { readonly t: 'refused'; readonly reason: string }
  /**
   * Answers `attach`: what the catalog has is not of this log, as where all replicas were restored from a copy. It is to forget
   * everything, its front-ends' links too, and to attach as a process that has just started.
   */
  | { readonly t: 'reset'; readonly reason: string }
  /**
   * A part of the stock table as of log index `index`, visible, which takes the place of what the catalog has. The parts come in
   * their order, one right after the other. `lastIndex` is the last entry up to there that holds commands, and `hash` that of
   * the log up to it.
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
   * The batch (an encoded `Batch`) at log index `index`, committed or not; null where nothing up to there is left that a
   * catalog has to know.
   */
  | {
      readonly t: 'entry';
      readonly index: number;
      readonly batch: Uint8Array | null;
      /** Left out where no command is followed. */
      readonly traces?: readonly RequestTrace[];
    }
  /**
   * Entries up to log index `index` are visible. `skips` names the positions that make nothing, for each batch that has some.
   * `hash` is that of the log up to the last of these batches.
   */
  | {
      readonly t: 'visible';
      readonly index: number;
      readonly skips: readonly (readonly [index: number, positions: readonly number[]])[];
      readonly hash: string;
    }
  /** Grants what `requestAuthority` number `id` asked for. Every entry up to `logged` was sent before it. */
  | { readonly t: 'authority'; readonly id: number; readonly logged: number };

// ---- catalog -> replica --------------------------------------------------------------------------------------

export type CatalogToReplica =
  /** The first frame on a link: the url of the catalog's internal port, as front-ends reach it. */
  | { readonly t: 'hello'; readonly url: string }
  /** Answers `lead`, with its term: where the catalog is. See `packages/coherence` for what `visible` and `hadAuthority` promise. */
  | {
      readonly t: 'attach';
      readonly term: number;
      /** 16 random hex digits of the process. */
      readonly process: string;
      readonly visible: number;
      readonly hadAuthority: boolean;
      /** Life of the log that it follows; null before the first snapshot. */
      readonly life: string | null;
      /** The last batch that is applied, 0 for none, and the hash of the log up to there. */
      readonly lastIndex: number;
      readonly hash: string;
    }
  | { readonly t: 'requestAuthority'; readonly id: number }
  /** No front-end can answer with what entries up to log index `index` changed. */
  | { readonly t: 'revoked'; readonly index: number };

// ---- link names ----------------------------------------------------------------------------------------------

/** Paths that links are opened at, one for each kind of asker. */
export const LINK_PATHS = {
  frontendToReplica: '/links/frontend',
  frontendToCatalog: '/links/frontend',
  catalogToReplica: '/links/catalog',
} as const;
