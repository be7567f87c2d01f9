/**
 * Messages between leader, catalogs and front-ends about authority, leases and revocation. Every link delivers
 * messages in order and at most once; a link that breaks loses the messages in flight. Adapters add the
 * contents (the commands of an entry, the values of a stock). The rules use only the fields below.
 */

/** Index of an entry in the replicated log, from 1; 0 means "before the first entry". */
export type LogIndex = number;

/** Identifies one connection within the lifetime of the process. */
export type LinkId = number;

/**
 * Random id of one process of a catalog. Two processes with the same catalog id may run at once: the old one
 * was paused or partitioned, and a new one was started in its place.
 */
export type CatalogProcessId = string;

/** Catalog to leader. */
export type CatalogToLeader =
  /**
   * The first message on a link: the catalog has applied all entries up to `visible` and follows this leader
   * from there. `hadAuthority` says that authority from an older leader was still valid when the catalog gave
   * it up to send this. Then no other process of this catalog holds authority, because a leader grants it to
   * one process at a time.
   */
  | {
      readonly t: 'attach';
      readonly catalog: string;
      readonly process: CatalogProcessId;
      readonly visible: LogIndex;
      readonly hadAuthority: boolean;
    }
  /** Requests authority. The catalog counts it from the time it sends this. */
  | { readonly t: 'requestAuthority'; readonly id: number }
  /**
   * Neither the catalog nor any of its front-ends will answer with a value that an entry up to `index`
   * replaced.
   */
  | { readonly t: 'revoked'; readonly index: LogIndex };

/** Leader to catalog. */
export type LeaderToCatalog =
  /** An entry of the leader's log, committed or not, and the stocks that it may change. */
  | { readonly t: 'entry'; readonly index: LogIndex; readonly names: readonly string[] }
  /** Replaces everything that the catalog has applied or received with the state as of entry `index`. */
  | { readonly t: 'snapshot'; readonly index: LogIndex }
  /**
   * Entries up to `index` are visible: they are committed, and no cache can answer with a value that they
   * replaced.
   */
  | { readonly t: 'visible'; readonly index: LogIndex }
  /**
   * Grants authority to request `id`. All entries up to `logged` were sent before it on this link. The leader
   * waits for the catalog with every later entry.
   */
  | { readonly t: 'authority'; readonly id: number; readonly logged: LogIndex };

/** Front-end to catalog. */
export type FrontendToCatalog =
  /** Requests a lease. The front-end counts it from the time it sends this. */
  | { readonly t: 'requestLease'; readonly id: number }
  | { readonly t: 'lookup'; readonly id: number; readonly name: string }
  /** Requests a list of stocks, whose names are not known in advance. */
  | { readonly t: 'list'; readonly id: number }
  /** The cache has dropped the stocks of all revocations up to `seq`. */
  | { readonly t: 'dropped'; readonly seq: number };

/** Catalog to front-end. */
export type CatalogToFrontend =
  | { readonly t: 'lease'; readonly id: number; readonly ms: number }
  /** Drop these stocks, then send `dropped`. `seq` numbers the revocations of a link from 1. */
  | { readonly t: 'revoke'; readonly seq: number; readonly names: readonly string[] }
  /** The catalog's current value of stock `name`. It may be cached only if `cacheable`. */
  | { readonly t: 'stock'; readonly id: number; readonly name: string; readonly cacheable: boolean }
  /** The catalog's current stocks. They must not be cached. */
  | { readonly t: 'page'; readonly id: number }
  /** The catalog cannot answer now: ask another one. */
  | { readonly t: 'unready'; readonly id: number };
