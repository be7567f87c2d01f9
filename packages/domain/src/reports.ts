/**
 * What a process tells of itself over a link when it is asked: the answers to `report`. They are for people who watch,
 * and nothing is decided by them: a report is old when it arrives.
 */

/** What a Raft member is at the moment. */
export const REPORTED_ROLES = ['follower', 'preCandidate', 'candidate', 'leader'] as const;
export type ReportedRole = (typeof REPORTED_ROLES)[number];

/** Members that one report speaks of at most. */
export const REPORT_MEMBERS_MAX = 64;

/** Front-ends that one report of the catalog speaks of at most; the others are left out. */
export const REPORT_SESSIONS_MAX = 64;

/** Stocks that are named for each front-end at most; the others are left out. */
export const REPORT_NAMES_MAX = 200;

/** Another member as the reporting one sees it. */
export interface PeerReport {
  readonly id: string;
  /** Whether the link that this member hears it on is open, and the one that it is told on. */
  readonly heard: boolean;
  readonly told: boolean;
  /** How far its log agrees with the leader's, durably; null unless the reporting member leads. */
  readonly match: number | null;
}

/** An order replica, by itself. */
export interface ReplicaReport {
  readonly role: ReportedRole;
  readonly term: number;
  readonly leader: string | null;
  /** Leads and can take orders. */
  readonly leading: boolean;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commit: number;
  readonly applied: number;
  /** Filled orders. */
  readonly orders: number;
  /** Of the book: replicas with equal `applied` have equal hashes. */
  readonly hash: string;
  /** Whether it has no vote by the membership in force. */
  readonly learner: boolean;
  readonly peers: readonly PeerReport[];
}

/** A front-end as the catalog sees it. */
export interface SessionReport {
  readonly peer: string;
  /** Milliseconds that its lease still runs, 0 if it has none. */
  readonly leaseMs: number;
  /** Stocks that it was told it may keep and was not told to drop since. */
  readonly names: readonly string[];
}

/** A catalog, by itself. */
export interface CatalogReport {
  /** Index of the last batch that is applied. */
  readonly lastIndex: number;
  readonly stocks: number;
  /** Holds authority: look-ups are answered. */
  readonly ready: boolean;
  readonly sessions: readonly SessionReport[];
}
