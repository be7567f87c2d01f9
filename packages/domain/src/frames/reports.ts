/**
 * Reports of processes, sent over a link in answer to `report`. They are for monitoring only, because a report is
 * outdated when it arrives.
 */
import { boolean, integer, listOf, nullable, object, oneOf, text, type Checked } from './schema.js';

/** Maximum number of members in a report. */
export const REPORT_MEMBERS_MAX = 64;

/** Maximum number of front-ends in a catalog's report; further ones are omitted. */
export const REPORT_SESSIONS_MAX = 64;

/** Maximum number of stock names for each front-end in a report; further ones are omitted. */
export const REPORT_STOCKS_MAX = 200;

const idText = text(64);

const raftRole = oneOf(['follower', 'preCandidate', 'candidate', 'leader']);
/** The current Raft role of a member. */
export type RaftRole = Checked<typeof raftRole>;

const peerReport = object({
  id: idText,
  /** Whether the link on which the reporting member receives its messages is open. */
  inbound: boolean,
  /** Whether the link on which the reporting member sends messages to it is open. */
  outbound: boolean,
  /** Index up to which its log durably matches the leader's; null unless the reporting member is the leader. */
  match: nullable(integer()),
});
/** Another member, as seen by the reporting one. */
export type PeerReport = Checked<typeof peerReport>;

/** Schema of `ReplicaReport`. */
export const replicaReport = object({
  role: raftRole,
  term: integer(),
  leader: nullable(idText),
  /** Whether it is the leader and accepts orders. */
  leading: boolean,
  firstIndex: integer(),
  lastIndex: integer(),
  commit: integer(),
  applied: integer(),
  /** Number of filled orders. */
  orders: integer(),
  /** Hash of the order book. Replicas with equal `applied` have equal hashes. */
  hash: idText,
  /** Whether the current membership gives it no vote. */
  learner: boolean,
  peers: listOf(peerReport, 'peer', REPORT_MEMBERS_MAX),
});
/** A report of an order replica about itself. */
export type ReplicaReport = Checked<typeof replicaReport>;

const frontendReport = object({
  peer: idText,
  /** Remaining milliseconds of its lease; 0 without a lease. */
  leaseMs: integer(),
  /** Stocks that it may have in its cache: sent as cacheable, and not revoked since. */
  names: listOf(idText, 'name', REPORT_STOCKS_MAX),
});
/** A front-end, as seen by the catalog. */
export type FrontendReport = Checked<typeof frontendReport>;

/** Schema of `CatalogReport`. */
export const catalogReport = object({
  /** Index of the last applied batch. */
  lastIndex: integer(),
  stocks: integer(),
  /** Whether it holds authority, and so answers look-ups. */
  ready: boolean,
  sessions: listOf(frontendReport, 'session', REPORT_SESSIONS_MAX),
});
/** A report of a catalog about itself. */
export type CatalogReport = Checked<typeof catalogReport>;
