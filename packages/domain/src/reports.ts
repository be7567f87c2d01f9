/**
 * Reports of processes, sent over a link in answer to `report`. They are for monitoring only, because a report is
 * outdated when it arrives.
 */

/** The current Raft role of a member. */
export const RAFT_ROLES = ['follower', 'preCandidate', 'candidate', 'leader'] as const;
export type RaftRole = (typeof RAFT_ROLES)[number];

/** Maximum number of members in a report. */
export const REPORT_MEMBERS_MAX = 64;

/** Maximum number of front-ends in a catalog's report; further ones are omitted. */
export const REPORT_SESSIONS_MAX = 64;

/** Maximum number of stock names for each front-end in a report; further ones are omitted. */
export const REPORT_STOCKS_MAX = 200;

/** Another member, as seen by the reporting one. */
export interface PeerReport {
  readonly id: string;
  /** Whether the link on which the reporting member receives its messages is open. */
  readonly heard: boolean;
  /** Whether the link on which the reporting member sends messages to it is open. */
  readonly told: boolean;
  /** Index up to which its log durably matches the leader's; null unless the reporting member is the leader. */
  readonly match: number | null;
}

/** A report of an order replica about itself. */
export interface ReplicaReport {
  readonly role: RaftRole;
  readonly term: number;
  readonly leader: string | null;
  /** Whether it is the leader and accepts orders. */
  readonly leading: boolean;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commit: number;
  readonly applied: number;
  /** Number of filled orders. */
  readonly orders: number;
  /** Hash of the order book. Replicas with equal `applied` have equal hashes. */
  readonly hash: string;
  /** Whether the current membership gives it no vote. */
  readonly learner: boolean;
  readonly peers: readonly PeerReport[];
}

/** A front-end, as seen by the catalog. */
export interface FrontendReport {
  readonly peer: string;
  /** Remaining milliseconds of its lease; 0 without a lease. */
  readonly leaseMs: number;
  /** Stocks that it may have in its cache: sent as cacheable, and not revoked since. */
  readonly names: readonly string[];
}

/** A report of a catalog about itself. */
export interface CatalogReport {
  /** Index of the last applied batch. */
  readonly lastIndex: number;
  readonly stocks: number;
  /** Whether it holds authority, and so answers look-ups. */
  readonly ready: boolean;
  readonly sessions: readonly FrontendReport[];
}
