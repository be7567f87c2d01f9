/**
 * The vocabulary of the consensus core: ids, terms, log entries, the messages between members and what the core
 * asks of its driver. Types only; what they mean for safety is said at each field.
 */

/** A member's name, unique in its cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export type NodeId = string;

/** A Raft term: a whole number from 0, which never falls (Raft 5.1). */
export type Term = number;

/** A position in the log, from 1; 0 is the place before the first entry. */
export type LogIndex = number;

/**
 * What an entry is for: `noop` opens a leader's term (Raft 8), `command` carries the state machine's bytes, `membership`
 * the group's configuration from here on (membership-codec.ts).
 */
export type EntryKind = 'noop' | 'command' | 'membership';

/**
 * One entry of the replicated log. `record` is the entry as it stands on disk and on the wire, checksummed once by
 * the leader that made it; `data` is a view into it. Both are immutable.
 */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
  readonly record: Uint8Array;
}

/**
 * What stands in the place of the entries that a log no longer has (Raft 7): the last of them, which is applied. All
 * that has to be known of the log up to there, and cannot be read from it any more, belongs here: it is kept with the
 * log and travels with a snapshot.
 */
export interface LogBase {
  /** 0 for a log that begins with its first entry. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The configuration as of the index; `NO_MEMBERS` where the log up to there names none. */
  readonly membership: Membership;
}

/**
 * A configuration. While it is joint, each decision needs a majority of `voters` and one of `outgoing` (Raft 6): between
 * two configurations that could otherwise decide apart from each other stands one that neither can pass by.
 */
export interface Membership {
  /** The voters; of a joint configuration those of the new one. Empty only where a member waits to be let in. */
  readonly voters: readonly NodeId[];
  /** Of a joint configuration the voters of the old one, else empty. */
  readonly outgoing: readonly NodeId[];
  /** Members that are sent the log, and count in no majority (thesis 4.2.1). */
  readonly learners: readonly NodeId[];
  /** Outgoing voters that will be learners once the joint configuration is left; until then they still vote. */
  readonly learnersNext: readonly NodeId[];
  /** Where each member is reached, as its transport understands it; empty where that knows without being told. */
  readonly addresses: ReadonlyMap<NodeId, string>;
}

/** The configurations that a member knows, as its driver and its transport have to know them. */
export interface MembershipView {
  readonly inForce: Membership;
  /**
   * Everyone to be in touch with, and where: the members of the configuration in force, and of those that the log holds
   * beyond it, because a leader may go by them already.
   */
  readonly peers: ReadonlyMap<NodeId, string>;
}

/** What must be on disk before a member may act on it: its term and the vote it gave in that term (Raft, figure 2). */
export interface HardState {
  readonly term: Term;
  readonly vote: NodeId | null;
}

/** What a member is in its term (Raft 5.1); `preCandidate` asks whether it could win (thesis 9.6). */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; in a `preVoteRequest` and a granted `preVoteResponse` the term that is being asked for. */
  readonly term: Term;
}

/**
 * Asks whether an election could be won, without starting one (Ongaro's thesis, 9.6). Says also what the asking member
 * knows to be committed: whoever is asked may hold that and not know it. It may be a voter without knowing it, and have
 * the longer log, so that it alone can be elected and never would ask.
 */
export interface PreVoteRequest extends Envelope {
  readonly type: 'preVoteRequest';
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/**
 * Says also what the answering member knows to be committed. Whoever asks may hold that and not know it, and may need to:
 * after a joint configuration was left it could otherwise go on asking for a majority of the old half, which those who
 * know better refuse it for ever.
 */
export interface PreVoteResponse extends Envelope {
  readonly type: 'preVoteResponse';
  readonly granted: boolean;
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/** Asks for a vote (Raft 5.2). `transfer` marks an election that the leader itself asked for (thesis 3.10). */
export interface VoteRequest extends Envelope {
  readonly type: 'voteRequest';
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly transfer: boolean;
}

/** Answers a vote request of the same term. A vote that is given is on the sender's disk. */
export interface VoteResponse extends Envelope {
  readonly type: 'voteResponse';
  readonly granted: boolean;
}

/** Replicates entries and the commit index (Raft 5.3). */
export interface AppendRequest extends Envelope {
  readonly type: 'appendRequest';
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly commit: LogIndex;
  readonly entries: readonly Entry[];
}

/** Every entry up to `match` stands on the sender's disk as the leader of `term` sent it. */
export interface AppendAccepted extends Envelope {
  readonly type: 'appendAccepted';
  readonly match: LogIndex;
}

/**
 * The sender has no entry (`prevIndex`, `prevTerm`) of the request. `hintIndex` is the last place where its log
 * could agree and `hintTerm` the term that it has there, so that the leader skips a term a round trip (Raft 5.3).
 */
export interface AppendRejected extends Envelope {
  readonly type: 'appendRejected';
  readonly prevIndex: LogIndex;
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

/** Keeps followers quiet, and asks the members to confirm the leader for read round `round` (thesis 6.4). */
export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  readonly commit: LogIndex;
  readonly round: number;
}

/**
 * Shows that the sender takes the leader of `term` for one, as of read round `round`, and says what it knows to be
 * committed: a change of the group is done when enough of its members know it.
 */
export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeatResponse';
  readonly round: number;
  readonly commit: LogIndex;
}

/** Tells the chosen successor to start its election at once (thesis 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeoutNow';
}

/**
 * A snapshot of the leader's state machine as of `base` has come (Raft 7), whole and verified. It is no message of its
 * own: the driver makes it of a transfer that is done, so that the core never waits for one.
 */
export interface InstallSnapshot extends Envelope {
  readonly type: 'installSnapshot';
  readonly base: LogBase;
}

/** A follower asks its leader for an index that its reads have to see (thesis 6.4). `request` is the follower's own. */
export interface ReadRequest extends Envelope {
  readonly type: 'readRequest';
  readonly request: number;
}

/** Whoever has applied `index` sees everything that was committed when the request came. */
export interface ReadResponse extends Envelope {
  readonly type: 'readResponse';
  readonly request: number;
  readonly index: LogIndex;
}

/** Everything that members say to each other, but for snapshots. */
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
   * Where it is given the log begins anew behind it: the store drops every entry that it has, and `entries` follow the
   * base. The driver first finishes the apply under way and calls `applied` for it; then it makes the state machine that of
   * the snapshot, durably; then it writes the log and calls `persisted`.
   */
  readonly base?: LogBase;
  /** To be written when not null. */
  readonly hardState: HardState | null;
  /** Contiguous. The first one's index decides what goes: the store drops whatever it has at or behind it. */
  readonly entries: readonly Entry[];
}

/** A linearizable read may be served once the state machine has applied `index`. */
export interface ReadGrant {
  readonly id: number;
  readonly index: LogIndex;
}

/** What the driver has to do after giving the core inputs. Handed out once; an empty field means nothing to do. */
export interface Ready {
  /** Send now, in this order for each recipient. Does not wait for `persist`. */
  readonly send: readonly Message[];
  /** Write and sync, then call `persisted`. Not null at most once at a time. */
  readonly persist: PersistBatch | null;
  /** Committed and durable here: apply in order, then call `applied`. Not empty at most once at a time. */
  readonly apply: readonly Entry[];
  /** Reads whose leader was confirmed by a quorum. */
  readonly reads: readonly ReadGrant[];
  /** Ids of reads that cannot be confirmed any more, because the leader of their time is gone. */
  readonly readsLost: readonly number[];
  /** Ids of reads that the leader gave no answer to. */
  readonly readsExpired: readonly number[];
  /**
   * Followers that need entries which the log no longer has: send each a snapshot of the state machine, then call
   * `snapshotSent` or `snapshotFailed`. Named once for each snapshot that is to be sent.
   */
  readonly snapshots: readonly NodeId[];
  /** Who is in the group, when that is news: to be told to the transport before `send` is worked off. */
  readonly membership: MembershipView | null;
}

/** The log as it stands on disk; what the core reads when it is not in memory. Synchronous: a cache stands before the disk. */
export interface LogReader {
  /** Where the log begins. It rises while the log is compacted, never beyond what is applied. */
  base(): LogBase;
  /** Index of the last entry; that of the base if there is none. */
  lastIndex(): LogIndex;
  /** Term of the entry at `index`, or of the base. Throws outside `base().index` to `lastIndex()`. */
  term(index: LogIndex): Term;
  /**
   * Entries from `low` up to and including `high`, cut off once their records exceed `bytesMax` in total, but
   * always at least one. Throws `RaftError` with code `LOG_DAMAGED` where a record does not hold its checksum.
   */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[];
  /** The last entry of kind `membership` at or before `index`; null if the log has none behind its base. Seldom asked for. */
  lastMembership(index: LogIndex): Entry | null;
}

/** A member as its own status shows it. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId | null;
  /** The first entry that the log has, or would have. */
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  /** The configuration in force. */
  readonly membership: Membership;
  /** Tells two configurations apart: the one with the higher index is the later one. */
  readonly membershipIndex: LogIndex;
}
