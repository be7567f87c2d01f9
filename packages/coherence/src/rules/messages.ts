/**
 * What leader, catalogs and front-ends say to each other about authority, leases and revocation. Every link is ordered
 * and delivers each message at most once; a broken link loses what was under way. Adapters add what the messages carry
 * (commands of an entry, values of a stock); the rules decide by what stands here.
 */

/** Index of an entry in the replicated log, from 1; 0 means "before the first entry". */
export type LogIndex = number;

/** Identifies one connection for as long as the process lives. */
export type LinkId = number;

/**
 * Identifies one process of a catalog, at random. Two processes with one catalog id may live at once: an old one was paused
 * or cut off, and a new one was started in its place.
 */
export type ProcessId = string;

/** Catalog to leader. */
export type ToLeader =
  /**
   * The first message on a link: the catalog has applied everything up to `visible` and follows this leader from there.
   * `hadAuthority` says that its authority from an older leader still held when it gave that up to send this. Then no other
   * process of this catalog holds authority, because a leader grants it to one process at a time.
   */
  | {
      readonly t: 'attach';
      readonly catalog: string;
      readonly process: ProcessId;
      readonly visible: LogIndex;
      readonly hadAuthority: boolean;
    }
  /** Asks for authority. The catalog counts it from when it sent this. */
  | { readonly t: 'requestAuthority'; readonly id: number }
  /** No front-end of this catalog can answer with a value that an entry up to `index` changed, nor will the catalog. */
  | { readonly t: 'revoked'; readonly index: LogIndex };

/** Leader to catalog. */
export type ToCatalog =
  /** An entry of the leader's log, committed or not, and the stocks that it may change. */
  | { readonly t: 'entry'; readonly index: LogIndex; readonly names: readonly string[] }
  /** Replaces everything that the catalog has applied or received: its state is that of entry `index`. */
  | { readonly t: 'snapshot'; readonly index: LogIndex }
  /** Entries up to `index` are visible: committed, and no cache anywhere shows what they replaced. */
  | { readonly t: 'visible'; readonly index: LogIndex }
  /**
   * Grants what request `id` asked for. Every entry up to `logged` was sent before it on this link; with every later entry the
   * leader waits for the catalog.
   */
  | { readonly t: 'authority'; readonly id: number; readonly logged: LogIndex };

/** Front-end to catalog. */
export type FrontendToCatalog =
  /** Asks for a lease. The front-end counts it from when it sent this. */
  | { readonly t: 'requestLease'; readonly id: number }
  | { readonly t: 'lookup'; readonly id: number; readonly name: string }
  /** Asks for stocks that no name of which is known before they are read. */
  | { readonly t: 'list'; readonly id: number }
  /** The cache holds no stock that revocation `seq` or an earlier one names. */
  | { readonly t: 'dropped'; readonly seq: number };

/** Catalog to front-end. */
export type CatalogToFrontend =
  | { readonly t: 'lease'; readonly id: number; readonly ms: number }
  /** Drop these stocks, then answer `dropped`. `seq` counts the revocations of a link from 1. */
  | { readonly t: 'revoke'; readonly seq: number; readonly names: readonly string[] }
  /** The catalog's value of stock `name` now. It may be kept only if `cacheable`. */
  | { readonly t: 'stock'; readonly id: number; readonly name: string; readonly cacheable: boolean }
  /** The catalog's stocks now. None of them may be kept. */
  | { readonly t: 'page'; readonly id: number }
  /** The catalog has no authority now: ask another one. */
  | { readonly t: 'unready'; readonly id: number };
