/** What a search starts from: who takes part, what is logged, and what may happen how often. */

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
}

export interface Scenario {
  readonly name: string;
  readonly stocks: readonly string[];
  readonly catalogs: readonly string[];
  /** The set of catalogs before the first entry. */
  readonly initialSet: readonly string[];
  readonly frontends: number;
  /** What each leader logs, in order. The second one logs its own after what it inherits. */
  readonly plans: readonly [readonly PlannedEntry[], readonly PlannedEntry[]];
  readonly authorityTicks: number;
  readonly leaseTicks: number;
  readonly bounds: Bounds;
}
