/** Input of a search: the processes, the entries that leaders log, and bounds on what may happen. */

/** An entry that a leader may log. */
export interface PlannedEntry {
  readonly name: string;
  /** Stocks that it changes. */
  readonly stocks: readonly string[];
  /** The catalog set from this entry on, if the entry changes the set. */
  readonly catalogs?: readonly string[];
}

/** Maximum number of times that something happens in one run. The search covers all orders. */
export interface StepBounds {
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
  /** Requests of each catalog for authority, in addition to the authority it may start with. */
  readonly authorityRequests: number;
  /** Requests of each front-end for a lease, in addition to the lease it may start with. */
  readonly leaseRequests: number;
  /** Look-ups of each front-end. */
  readonly lookUps: number;
  /** Lists of all stocks, by each front-end. */
  readonly lists: number;
}

export interface ExplorerScenario {
  readonly name: string;
  readonly stocks: readonly string[];
  /** The catalog id of each catalog process. An id that occurs twice is one catalog with two running processes. */
  readonly catalogs: readonly string[];
  /** The catalog set before the first entry. */
  readonly initialSet: readonly string[];
  readonly frontends: number;
  /** The entries that each leader logs, in order. It logs the first one when it is elected. */
  readonly plans: readonly [readonly PlannedEntry[], readonly PlannedEntry[]];
  /**
   * Whether initially every catalog of the set has authority, and every front-end a lease and all stocks in its
   * cache. Otherwise leader 1 was just elected and no links are open.
   */
  readonly startsWithAuthority: boolean;
  /** Uncommitted entries of older leaders in the log of leader 1. */
  readonly inherited: readonly PlannedEntry[];
  /** Log of an older leader, with which leader 2 may be elected as long as leader 1 has committed nothing. */
  readonly rivalLog: readonly PlannedEntry[] | null;
  /** Whether a leader notices a broken link to a catalog later than the catalog does. */
  readonly isHalfOpen: boolean;
  /** Whether a process may handle a message of a link after that link has closed. */
  readonly hasLateMessages: boolean;
  /** Whether states that differ only by a swap of the two catalogs and their front-ends are one state. */
  readonly isSymmetric: boolean;
  readonly authorityTicks: number;
  readonly leaseTicks: number;
  readonly bounds: StepBounds;
}
