/**
 * The types of the consensus core: ids, terms, log entries, the messages between members, and the work that the core
 * gives to its driver. Comments at the fields say what they mean for safety.
 */

/** A member's name, unique in its cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export type NodeId = string;

/** A Raft term: an integer from 0 that never decreases (Raft 5.1). */
export type Term = number;

/** A position in the log, from 1; 0 is the position before the first entry. */
export type LogIndex = number;

/**
 * The kind of an entry: `noop` opens a leader's term (Raft 8), `command` carries bytes for the state machine,
 * `membership` carries a new configuration of the group (membership-codec.ts).
 */
export type EntryKind = 'noop' | 'command' | 'membership';

/**
 * One entry of the replicated log. `record` is its encoding on disk and on the wire, checksummed once by the leader
 * that created it; `data` is a view into `record`. Both are immutable.
 */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
  readonly record: Uint8Array;
}

/**
 * The last compacted entry of a log (Raft 7); it is applied. The base holds everything that a member must know about
 * the compacted entries. It is stored with the log and sent with a snapshot.
 */
export interface LogBase {
  /** 0 for a log that was never compacted. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The configuration as of the index; `EMPTY_MEMBERSHIP` if the log up to the index has none. */
  readonly membership: Membership;
}

/**
 * A configuration. While it is joint, each decision needs a majority of `voters` and a majority of `outgoing`
 * (Raft 6), so the old and the new voters cannot decide independently of each other.
 */
export interface Membership {
  /** The voters; in a joint configuration the new ones. Empty only if no group has added the member yet. */
  readonly voters: readonly NodeId[];
  /** In a joint configuration the old voters, otherwise empty. */
  readonly outgoing: readonly NodeId[];
  /** Members that receive the log but count in no majority (thesis 4.2.1). */
  readonly learners: readonly NodeId[];
  /** Outgoing voters that become learners when the group leaves the joint configuration; until then they vote. */
  readonly learnersNext: readonly NodeId[];
  /** The address of each member in the transport's format; empty if the transport is configured with it. */
  readonly addresses: ReadonlyMap<NodeId, string>;
}

/** The configurations that a member knows, for its driver and its transport. */
export interface MembershipView {
  readonly current: Membership;
  /**
   * The members to connect to, with their addresses: those of the configuration in force and those of later
   * configurations in the log, because a leader may already use a later one.
   */
  readonly peers: ReadonlyMap<NodeId, string>;
}

/** A member's term and its vote. Both must be on disk before the member acts on them (Raft, figure 2). */
export interface HardState {
  readonly term: Term;
  readonly vote: NodeId | null;
}

/** The role of a member in its term (Raft 5.1). A `preCandidate` asks whether it could win (thesis 9.6). */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** The fields that every message has. */
export interface MessageHeader {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; in a `preVoteRequest` and a granted `preVoteResponse` the term of the possible election. */
  readonly term: Term;
}

/**
 * Asks whether an election could be won, without starting one (Ongaro's thesis, 9.6). Also carries the sender's
 * commit index: the receiver may have these entries without knowing that they are committed. One of them may
 * make the receiver a voter. If its log is the longest as well, only the receiver can win, and it would
 * otherwise never campaign.
 */
export interface PreVoteRequest extends MessageHeader {
  readonly type: 'preVoteRequest';
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/**
 * Also carries the sender's commit index: the pre-candidate may have these entries without knowing that they
 * are committed. If one of them left a joint configuration, the pre-candidate would otherwise keep asking for a
 * majority of the outgoing voters, who may refuse it for ever.
 */
export interface PreVoteResponse extends MessageHeader {
  readonly type: 'preVoteResponse';
  readonly granted: boolean;
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/** Asks for a vote (Raft 5.2). `transfer` marks an election that the leader requested (thesis 3.10). */
export interface VoteRequest extends MessageHeader {
  readonly type: 'voteRequest';
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly transfer: boolean;
}

/** Answers a vote request of the same term. A granted vote is on the sender's disk. */
export interface VoteResponse extends MessageHeader {
  readonly type: 'voteResponse';
  readonly granted: boolean;
}

/** Replicates entries and the commit index (Raft 5.3). */
export interface AppendRequest extends MessageHeader {
  readonly type: 'appendRequest';
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly commit: LogIndex;
  readonly entries: readonly Entry[];
}

/** Every entry up to `match` is on the sender's disk and equals the entry of the leader of `term`. */
export interface AppendAccepted extends MessageHeader {
  readonly type: 'appendAccepted';
  readonly match: LogIndex;
}

/**
 * The sender's log has no entry (`prevIndex`, `prevTerm`) of the request. `hintIndex` is the last index at
 * which its log could match and `hintTerm` its term there, so the leader can skip a whole term in one round
 * trip (Raft 5.3).
 */
export interface AppendRejected extends MessageHeader {
  readonly type: 'appendRejected';
  readonly prevIndex: LogIndex;
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

/** Resets election timers, and asks the members to confirm the leader for read round `round` (thesis 6.4). */
export interface Heartbeat extends MessageHeader {
  readonly type: 'heartbeat';
  readonly commit: LogIndex;
  readonly round: number;
}

/**
 * Confirms the leader of `term` for read round `round`. Also carries the sender's commit index: a membership
 * change is complete when enough members know that it is committed.
 */
export interface HeartbeatResponse extends MessageHeader {
  readonly type: 'heartbeatResponse';
  readonly round: number;
  readonly commit: LogIndex;
}

/** Tells the target of a leadership transfer to start its election at once (thesis 3.10). */
export interface TimeoutNow extends MessageHeader {
  readonly type: 'timeoutNow';
}

/**
 * A complete, verified snapshot of the leader's state machine as of `base` has been received (Raft 7). No
 * member sends this: the driver creates it at the end of a snapshot transfer, so the core never waits for a
 * transfer.
 */
export interface ReceivedSnapshot extends MessageHeader {
  readonly type: 'installSnapshot';
  readonly base: LogBase;
}

/** A follower asks its leader for the index that its reads must see (thesis 6.4). The follower chooses `request`. */
export interface ReadRequest extends MessageHeader {
  readonly type: 'readRequest';
  readonly request: number;
}

/** A member that has applied `index` sees everything that was committed when the leader received the request. */
export interface ReadResponse extends MessageHeader {
  readonly type: 'readResponse';
  readonly request: number;
  readonly index: LogIndex;
}

/** Every message between members, except snapshots. */
export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatResponse
  | TimeoutNow
  | ReadRequest
  | ReadResponse;

/** One synced, atomic write to the log store. */
export interface PersistBatch {
  /**
   * If set, a snapshot replaces the log: the store drops all its entries, and `entries` follow the base. The driver
   * first finishes the apply in progress and calls `applied` for it, then durably replaces the state machine by the
   * snapshot, then writes the log and calls `persisted`.
   */
  readonly base?: LogBase;
  /** Written if not null. */
  readonly hardState: HardState | null;
  /** Contiguous. The store first drops all its entries at or after the index of the first one. */
  readonly entries: readonly Entry[];
}

/** A linearizable read may be served once the state machine has applied `index`. */
export interface ReadGrant {
  readonly id: number;
  readonly index: LogIndex;
}

/** The work that the core gives to its driver after inputs. Each item is handed out once. */
export interface Ready {
  /** Send now, in this order for each recipient. Does not wait for `persist`. */
  readonly send: readonly Message[];
  /** Write and sync, then call `persisted`. Null until the previous batch is persisted. */
  readonly persist: PersistBatch | null;
  /** Committed and durable: apply in order, then call `applied`. Empty until the previous entries are applied. */
  readonly apply: readonly Entry[];
  /** Reads for which a quorum has confirmed the leader. */
  readonly reads: readonly ReadGrant[];
  /** Ids of reads that failed because the leader that should have confirmed them no longer leads. */
  readonly failedReads: readonly number[];
  /** Ids of reads that the leader did not answer in time. */
  readonly expiredReads: readonly number[];
  /**
   * Followers that need compacted entries: send each a snapshot of the state machine, then call `snapshotSent` or
   * `snapshotFailed`. A follower is listed once for each snapshot.
   */
  readonly snapshotsTo: readonly NodeId[];
  /** The configurations if they have changed, else null. Pass them to the transport before the messages of `send`. */
  readonly membership: MembershipView | null;
}

/** The log on disk, for entries that are not in the core's memory. Synchronous: implementations use a cache. */
export interface LogReader {
  /** The base of the log. Compaction raises its index, but never above the applied index. */
  base(): LogBase;
  /** Index of the last entry; that of the base if there is none. */
  lastIndex(): LogIndex;
  /** Term of the entry at `index`, or of the base. Throws outside `base().index` to `lastIndex()`. */
  term(index: LogIndex): Term;
  /**
   * Entries from `low` up to and including `high`, cut off once their records exceed `bytesMax` in total, but
   * always at least one. Throws `RaftError` with code `LOG_DAMAGED` if a record does not match its checksum.
   */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[];
  /**
   * The last entry of kind `membership` at or before `index`; null if there is none after the base. Called
   * rarely.
   */
  lastMembership(index: LogIndex): Entry | null;
}

/** The status of a member. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId | null;
  /** Index of the first entry in the log; of the next entry if the log is empty. */
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  /** The configuration in force. */
  readonly membership: Membership;
  /** Orders configurations: the one with the higher index is the later one. */
  readonly membershipIndex: LogIndex;
}
