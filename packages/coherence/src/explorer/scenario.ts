/** What a search starts from: which processes take part, what is logged, and what may happen how often. */

/** An entry that a leader may log. */
export interface PlannedEntry {
  readonly name: string;
  /** Stocks that it changes. */
  readonly stocks: readonly string[];
  /** The set of catalogs from this entry on, if it changes the set. */
  readonly catalogs?: readonly string[];
}

/** How often something may happen in one run, at most. All orders of all that may happen are searched. */
export interface Bounds {
  readonly elections: number;
  readonly leaderCrashes: number;
  /** Broken links between a leader and a catalog. */
  readonly catalogBreaks: number;
  /** Broken links between a catalog and a front-end. */
  readonly frontendBreaks: number;
  readonly catalogRestarts: number;
  /** Reads that are sent to a leader. */
  readonly leaderReads: number;
  readonly ticks: number;
  /** Requests of each catalog for authority, besides the one that it has at first. */
  readonly authorityRequests: number;
  /** Requests of each front-end for a lease, besides the one that it has at first. */
  readonly leaseRequests: number;
  /** Look-ups of each front-end. */
  readonly lookUps: number;
  /** Lists of all stocks, by each front-end. */
  readonly lists: number;
}

export interface Scenario {
  readonly name: string;
  readonly stocks: readonly string[];
  /** The catalog processes, by the id of their catalog: an id that occurs twice is one catalog with two live processes. */
  readonly catalogs: readonly string[];
  /** The set of catalogs before the first entry. */
  readonly initialSet: readonly string[];
  readonly frontends: number;
  /** What each leader logs, in order: the first entry as it is elected. */
  readonly plans: readonly [readonly PlannedEntry[], readonly PlannedEntry[]];
  /**
   * Whether every catalog of the set has authority at first, and every front-end a lease and all stocks in its cache.
   * Otherwise leader 1 has just been elected and no process has a link to another.
   */
  readonly startsAtWork: boolean;
  /** Entries of older leaders that leader 1 finds in its log and that are not committed. */
  readonly inherited: readonly PlannedEntry[];
  /** The log of an older leader, with which leader 2 may be elected while leader 1 has committed nothing. */
  readonly rivalLog: readonly PlannedEntry[] | null;
  /** Whether a leader notices later than a catalog that their link is broken. */
  readonly isHalfOpen: boolean;
  /** Whether a process may handle the message that it was reading from a link after that link was closed. */
  readonly hasLateMessages: boolean;
  /** Whether states that differ only by the order of the two catalogs and of their front-ends are one state. */
  readonly isSymmetric: boolean;
  readonly authorityTicks: number;
  readonly leaseTicks: number;
  readonly bounds: Bounds;
}
