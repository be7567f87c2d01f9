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
  /** Its position in the log, from 1. */
  readonly index: LogIndex;
  /** The term of the leader that created it. */
  readonly term: Term;
  /** What it carries. */
  readonly kind: EntryKind;
  /** The bytes of the command or of the configuration; empty for a no-op. A view into `record`. */
  readonly data: Uint8Array;
  /** Header, checksum and data, as on disk and on the wire; see `readEntry`. */
  readonly record: Uint8Array;
}

/**
 * The last compacted entry of a log (Raft 7); it is applied. The base holds everything that a member must know about
 * the compacted entries. It is stored with the log and sent with a snapshot.
 */
export interface LogBase {
  /** 0 for a log that was never compacted. */
  readonly index: LogIndex;
  /** The term of that entry; 0 for index 0. */
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
  /** The configuration in force: that of the last applied membership entry. */
  readonly current: Membership;
  /**
   * The members to connect to, with their addresses: those of the configuration in force and those of later
   * configurations in the log, because a leader may already use a later one.
   */
  readonly peers: ReadonlyMap<NodeId, string>;
}

/** A member's term and its vote. Both must be on disk before the member acts on them (Raft, figure 2). */
export interface HardState {
  /** The latest term that the member has seen, from 0. */
  readonly term: Term;
  /** The member that it voted for in this term; null if none. */
  readonly vote: NodeId | null;
}

/** The role of a member in its term (Raft 5.1). A `preCandidate` asks whether it could win (thesis 9.6). */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** The fields that every message has. */
export interface MessageHeader {
  /** The sender. */
  readonly from: NodeId;
  /** The recipient. */
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
  /** Index of the last entry in the sender's log. */
  readonly lastIndex: LogIndex;
  /** Term of that entry. */
  readonly lastTerm: Term;
  /** The sender's commit index. */
  readonly commit: LogIndex;
  /** Term of the entry at `commit`. */
  readonly commitTerm: Term;
}

/**
 * Also carries the sender's commit index: the pre-candidate may have these entries without knowing that they
 * are committed. If one of them left a joint configuration, the pre-candidate would otherwise keep asking for a
 * majority of the outgoing voters, who may refuse it for ever.
 */
export interface PreVoteResponse extends MessageHeader {
  readonly type: 'preVoteResponse';
  /** Whether the sender would vote for the pre-candidate. */
  readonly granted: boolean;
  /** The sender's commit index. */
  readonly commit: LogIndex;
  /** Term of the entry at `commit`. */
  readonly commitTerm: Term;
}

/** Asks for a vote (Raft 5.2). `transfer` marks an election that the leader requested (thesis 3.10). */
export interface VoteRequest extends MessageHeader {
  readonly type: 'voteRequest';
  /** Index of the last entry in the candidate's log. */
  readonly lastIndex: LogIndex;
  /** Term of that entry. */
  readonly lastTerm: Term;
  /** Whether the leader has asked for this election: then members vote although their leader is alive. */
  readonly transfer: boolean;
}

/** Answers a vote request of the same term, which is on the sender's disk; so is a granted vote. */
export interface VoteResponse extends MessageHeader {
  readonly type: 'voteResponse';
  /** Whether the sender voted for the candidate. */
  readonly granted: boolean;
}

/** Replicates entries and the commit index (Raft 5.3). */
export interface AppendRequest extends MessageHeader {
  readonly type: 'appendRequest';
  /** Index of the entry before `entries`. */
  readonly prevIndex: LogIndex;
  /** Term of that entry: the recipient must have the same one. */
  readonly prevTerm: Term;
  /** The leader's commit index. */
  readonly commit: LogIndex;
  /** Contiguous, from `prevIndex + 1`; empty to probe. At most 65,536. */
  readonly entries: readonly Entry[];
}

/** Every entry up to `match` is on the sender's disk and equals the entry of the leader of `term`. */
export interface AppendAccepted extends MessageHeader {
  readonly type: 'appendAccepted';
  /** The last index that is known to match. */
  readonly match: LogIndex;
}

/**
 * The sender's log has no entry (`prevIndex`, `prevTerm`) of the request. `hintIndex` is the last index at
 * which its log could match and `hintTerm` its term there, so the leader can skip a whole term in one round
 * trip (Raft 5.3).
 */
export interface AppendRejected extends MessageHeader {
  readonly type: 'appendRejected';
  /** That of the request. */
  readonly prevIndex: LogIndex;
  /** The last index at which the logs could match. */
  readonly hintIndex: LogIndex;
  /** The term at `hintIndex` in the sender's log. */
  readonly hintTerm: Term;
}

/** Resets election timers, and asks the members to confirm the leader for read round `round` (thesis 6.4). */
export interface Heartbeat extends MessageHeader {
  readonly type: 'heartbeat';
  /** The commit index of the leader, but at most what the recipient is known to have. */
  readonly commit: LogIndex;
  /** The read round to confirm; rounds increase within a term. */
  readonly round: number;
}

/**
 * Confirms the leader of `term` for read round `round`. Also carries the sender's commit index: a membership
 * change is complete when enough members know that it is committed.
 */
export interface HeartbeatResponse extends MessageHeader {
  readonly type: 'heartbeatResponse';
  /** That of the heartbeat. */
  readonly round: number;
  /** The sender's commit index. */
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
  /** The last entry that the snapshot includes. */
  readonly base: LogBase;
}

/** A follower asks its leader for the index that its reads must see (thesis 6.4). The follower chooses `request`. */
export interface ReadRequest extends MessageHeader {
  readonly type: 'readRequest';
  /** Identifies the request at the follower. */
  readonly request: number;
}

/** A member that has applied `index` sees everything that was committed when the leader received the request. */
export interface ReadResponse extends MessageHeader {
  readonly type: 'readResponse';
  /** That of the request. */
  readonly request: number;
  /** The index to apply before the read. */
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
   * first finishes the apply in progress and calls `onApplied` for it, then durably replaces the state machine by the
   * snapshot, then writes the log and calls `onPersisted`.
   */
  readonly base?: LogBase;
  /** Written if not null. */
  readonly hardState: HardState | null;
  /** Contiguous. The store first drops all its entries at or after the index of the first one. */
  readonly entries: readonly Entry[];
}

/** A position in the log that a proposal got. It is committed if the entry that is applied at `index` has `term`. */
export interface Proposal {
  /** Index of the entry. */
  readonly index: LogIndex;
  /** Term of the entry: that of the leader. */
  readonly term: Term;
}

/** A linearizable read may be served once the state machine has applied `index`. */
export interface ReadGrant {
  /** The id that was passed to `requestRead`. */
  readonly id: number;
  /** The index to apply first. */
  readonly index: LogIndex;
}

/**
 * The work that the core gives to its driver after inputs. Each item is handed out once. The driver:
 *
 * 1. passes `membership`, if set, to the transport;
 * 2. sends `send`, without waiting for the disk: the core itself holds back every message that must not leave before a
 *    write is durable, and hands it out after `onPersisted`;
 * 3. starts to write `persist`, if set, and calls `onPersisted` once it is durable;
 * 4. starts to apply `apply`, and calls `onApplied` once the state machine shows it;
 * 5. answers the reads, and sends the snapshots.
 *
 * Write and apply may take any time, and may run at the same time, except before a batch with a base; see
 * `PersistBatch.base`. Ticks and messages go on meanwhile. After a failed write the driver must stop for good.
 */
export interface Ready {
  /** Messages to send now, in this order for each recipient. Does not wait for `persist`. */
  readonly send: readonly Message[];
  /** Write and sync it, then call `onPersisted`. Null if there is nothing to write or the previous batch is not persisted. */
  readonly persist: PersistBatch | null;
  /** Committed and durable: apply in order, then call `onApplied`. Empty until the previous entries are applied. */
  readonly apply: readonly Entry[];
  /** Reads for which a quorum has confirmed the leader: serve each once its index is applied. */
  readonly reads: readonly ReadGrant[];
  /** Ids of reads that failed because the leader that should have confirmed them no longer leads. */
  readonly failedReads: readonly number[];
  /** Ids of reads that the leader did not answer in time. */
  readonly expiredReads: readonly number[];
  /**
   * Followers that need compacted entries: send each a snapshot of the state machine, then call
   * `onSnapshotAccepted` or `onSnapshotFailed`. A follower is listed once for each snapshot.
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
  /**
   * Term of the entry at `index`, or of the base.
   * @throws RaftError `INVARIANT` outside `base().index` to `lastIndex()`.
   */
  term(index: LogIndex): Term;
  /**
   * Entries from `low` up to and including `high`, cut off once their records exceed `bytesMax` in total, but
   * always at least one.
   * @throws RaftError `INVARIANT` unless `base().index < low <= high <= lastIndex()`; `LOG_DAMAGED` if a record does not
   *   match its checksum.
   */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[];
  /**
   * The last entry of kind `membership` at or before `index`; null if there is none after the base. Called
   * rarely.
   */
  lastMembership(index: LogIndex): Entry | null;
}

/** A read-only view of a member's log, in memory and on disk. */
export interface LogView {
  /** The last compacted entry; index 0 for a log that was never compacted. */
  readonly base: LogBase;
  /** Index of the last entry, whether it is on disk or not; that of the base if there is none. */
  readonly lastIndex: LogIndex;
  /** Entries up to this index are on this member's disk. */
  readonly stableIndex: LogIndex;
  /** Entries up to this index are known to be committed (Raft 5.3). */
  readonly commit: LogIndex;
  /** Entries up to this index are applied by the state machine. */
  readonly applied: LogIndex;
  /** Term of the entry at `index`, or of the base. @throws RaftError `INVARIANT` outside the log. */
  term(index: LogIndex): Term;
  /**
   * Entries from `low` up to and including `high`, cut off once their records exceed `bytesMax` bytes, but at least one.
   * The result may also end early at the last entry on disk: call again for the rest.
   * @throws RaftError `INVARIANT` outside the log, `LOG_DAMAGED` if a record does not match its checksum.
   */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[];
}

/** The status of a member. */
export interface CoreStatus {
  /** This member. */
  readonly id: NodeId;
  /** Its role in its term. */
  readonly role: Role;
  /** Its current term. */
  readonly term: Term;
  /** The leader of the term: this member or another; null if none is known. */
  readonly leader: NodeId | null;
  /** Index of the first entry in the log; of the next entry if the log is empty. */
  readonly firstIndex: LogIndex;
  /** Index of the last entry, whether it is on disk or not. */
  readonly lastIndex: LogIndex;
  /** Entries up to this index are known to be committed. */
  readonly commit: LogIndex;
  /** Entries up to this index are applied. */
  readonly applied: LogIndex;
  /** The configuration in force. */
  readonly membership: Membership;
  /** Orders configurations: the one with the higher index is the later one. */
  readonly membershipIndex: LogIndex;
}
