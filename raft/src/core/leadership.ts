/**
 * What a member does and knows while it leads, made anew for each term that it wins and dropped when it steps down:
 * replication, commitment, confirmed reads, the quorum check and the hand-over.
 */
import type { CoreConfig } from './config.js';
import { RECORD_HEADER_BYTES, makeEntry } from './entry.js';
import { RaftError, invariant } from './errors.js';
import type { RaftLog } from './log.js';
import { Progress } from './progress.js';
import { majorityOf, reachedByMajority } from './quorum.js';
import { ReadQueue } from './reads.js';
import { supply } from './supply.js';
import type {
  AppendAccepted,
  AppendRejected,
  HeartbeatResponse,
  LogIndex,
  Message,
  NodeId,
  ReadGrant,
  Term,
} from './types.js';

/** What a leadership may do to the core around it. */
interface LeaderContext {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly send: (message: Message) => void;
}

/** What a tick asks of the core. */
type TickVerdict = 'lead on' | 'step down';

const NO_DATA = new Uint8Array(0);

export class Leadership {
  readonly #context: LeaderContext;
  readonly #term: Term;
  readonly #peers = new Map<NodeId, Progress>();
  readonly #reads: ReadQueue;
  #snapshots: NodeId[] = [];
  /** The no-op that opened the term: until it is committed nothing is known of what is (Raft 8). */
  readonly firstIndex: LogIndex;
  /** Entries proposed in this term that are not yet both committed and durable here, oldest first, to bound their bytes. */
  readonly #uncommitted: { readonly index: LogIndex; readonly bytes: number }[] = [];
  #uncommittedBytes = 0;
  #heartbeatElapsed = 0;
  /**
   * Whether a risen commit index is worth an append without entries. Once a tick it is: otherwise it rides on the next
   * entries, since an empty append for each commit would double the messages of a busy group.
   */
  #tellsCommit = false;
  #transfer: { readonly to: NodeId; elapsed: number } | null = null;

  constructor(context: LeaderContext) {
    this.#context = context;
    this.#term = context.term;
    const { id, members, limits } = context.config;
    this.#reads = new ReadQueue(limits.readsMax);
    this.firstIndex = context.log.lastIndex + 1;
    const window = { messagesMax: limits.inflightMessagesMax, bytesMax: limits.inflightBytesMax };
    for (const member of members) {
      if (member !== id) this.#peers.set(member, new Progress(this.firstIndex, window));
    }
    context.log.append([makeEntry(this.firstIndex, this.#term, 'noop', NO_DATA)]);
  }

  /** Whether an entry of this term is committed, so that the commit index can be trusted for reads (Raft 8). */
  get hasCommittedInTerm(): boolean {
    return this.#context.log.commit >= this.firstIndex;
  }

  /** What is known of a follower, for status. */
  progressOf(member: NodeId): Readonly<Progress> | undefined {
    return this.#peers.get(member);
  }

  /**
   * Appends one entry to the log.
   * @throws RaftError `OVERLOADED` or, during a hand-over, `NOT_LEADER`; the proposal then had no effect.
   */
  propose(data: Uint8Array): LogIndex {
    if (this.#transfer !== null) throw new RaftError('NOT_LEADER', 'leadership is being handed over');
    const { log, config } = this.#context;
    // An empty backlog takes any size, so that one large proposal is never refused for good.
    const bytes = RECORD_HEADER_BYTES + data.byteLength;
    const overLimit = this.#uncommittedBytes + bytes > config.limits.uncommittedBytesMax;
    if (overLimit && this.#uncommittedBytes > 0) {
      throw new RaftError('OVERLOADED', `${this.#uncommittedBytes} bytes wait to be committed`);
    }
    const index = log.lastIndex + 1;
    log.append([makeEntry(index, this.#term, 'command', data)]);
    this.#uncommitted.push({ index, bytes });
    this.#uncommittedBytes += bytes;
    return index;
  }

  /** @throws RaftError `OVERLOADED` when too many reads wait. */
  read(id: number): void {
    this.#reads.add(id);
  }

  takeGrantedReads(): readonly ReadGrant[] {
    return this.#reads.takeGranted();
  }

  /** Ids of every read that was not granted; they are lost with the leadership. */
  abandonReads(): readonly number[] {
    return this.#reads.abandon();
  }

  /** Hands leadership to `to` once its log is complete; given up after an election timeout (thesis 3.10). */
  transfer(to: NodeId): void {
    const progress = this.#peers.get(to);
    if (progress === undefined) throw new RaftError('BAD_CONFIG', `${to} is not another member`);
    this.#transfer = { to, elapsed: 0 };
    progress.probeSent = false;
    this.#advanceTransfer();
  }

  /** The other member whose log reaches furthest of those heard of within an election timeout; null if there is none. */
  bestSuccessor(): NodeId | null {
    let best: NodeId | null = null;
    let bestMatch = -1;
    for (const [member, progress] of this.#peers) {
      if (this.#isActive(progress) && progress.match > bestMatch) {
        best = member;
        bestMatch = progress.match;
      }
    }
    return best;
  }

  tick(): TickVerdict {
    const { config } = this.#context;
    this.#tellsCommit = true;
    this.#heartbeatElapsed += 1;
    if (this.#heartbeatElapsed >= config.heartbeatTicks) {
      this.#heartbeat();
      this.#advanceTransfer();
    }
    if (this.#transfer !== null) {
      this.#transfer.elapsed += 1;
      if (this.#transfer.elapsed >= config.electionTicks) this.#transfer = null;
    }
    return this.#checkQuorum();
  }

  /** Whether a majority was heard of within an election timeout (thesis 6.2); a leader cut off must not go on believing. */
  #checkQuorum(): TickVerdict {
    let active = 1;
    for (const progress of this.#peers.values()) {
      progress.silentTicks += 1;
      if (this.#isActive(progress)) active += 1;
    }
    return active >= majorityOf(this.#context.config.members.length) ? 'lead on' : 'step down';
  }

  #isActive(progress: Progress): boolean {
    return progress.silentTicks < this.#context.config.electionTicks;
  }

  #heartbeat(): void {
    this.#heartbeatElapsed = 0;
    const { config, log } = this.#context;
    for (const [to, progress] of this.#peers) {
      // A follower must not learn of a commit beyond what is known to agree: its own tail there may differ.
      const commit = Math.min(log.commit, progress.match);
      const round = this.#reads.round;
      this.#context.send({ type: 'heartbeat', from: config.id, to, term: this.#term, commit, round });
    }
  }

  /** Sends what can be sent and opens a read round if reads wait: called once for all inputs of a turn. */
  pump(): void {
    this.#commitReached();
    if (this.hasCommittedInTerm && this.#reads.openRound(this.#context.log.commit)) {
      this.#heartbeat();
      this.#grantReads();
    }
    for (const [to, progress] of this.#peers) {
      const isActive = this.#isActive(progress);
      if (supply({ ...this.#context, to, progress, isActive, tellsCommit: this.#tellsCommit }))
        this.#snapshots.push(to);
    }
    this.#tellsCommit = false;
  }

  appendAccepted(message: AppendAccepted): void {
    const progress = this.#heard(message.from);
    if (progress === undefined) return;
    const { log } = this.#context;
    invariant(
      message.match <= log.lastIndex,
      `${message.from} has ${message.match}, the leader ${log.lastIndex}`,
    );
    progress.accepted(message.match, log.base.index);
    this.#advanceTransfer();
  }

  appendRejected(message: AppendRejected): void {
    const progress = this.#heard(message.from);
    if (progress === undefined) return;
    progress.rejected(
      message.prevIndex,
      this.#context.log.lastAgreeable(message.hintIndex, message.hintTerm),
    );
  }

  heartbeatResponse(message: HeartbeatResponse): void {
    const progress = this.#heard(message.from);
    if (progress === undefined) return;
    progress.probeSent = false;
    if (progress.match < this.#context.log.lastIndex) progress.nudge = true;
    progress.roundAcknowledged = Math.max(progress.roundAcknowledged, message.round);
    this.#grantReads();
  }

  unreachable(member: NodeId): void {
    this.#peers.get(member)?.unreachable();
  }

  /** Followers that need a snapshot from now on, each named once. */
  takeSnapshots(): readonly NodeId[] {
    const snapshots = this.#snapshots;
    this.#snapshots = [];
    return snapshots;
  }

  snapshotSent(member: NodeId, index: LogIndex): void {
    this.#peers.get(member)?.snapshotSent(index);
  }

  snapshotFailed(member: NodeId): void {
    this.#peers.get(member)?.snapshotFailed();
  }

  #heard(member: NodeId): Progress | undefined {
    const progress = this.#peers.get(member);
    if (progress !== undefined) progress.silentTicks = 0;
    return progress;
  }

  /** Commits what a majority has on disk, if the last of it is of this term (Raft 5.4.2). */
  #commitReached(): void {
    const { log } = this.#context;
    // The leader counts itself only up to where its own disk has come.
    const matches = [log.stableIndex];
    for (const progress of this.#peers.values()) matches.push(progress.match);
    const reached = reachedByMajority(matches);
    if (reached > log.commit && log.term(reached) === this.#term) log.commitTo(reached);
    this.#release(Math.min(log.commit, log.stableIndex));
  }

  /** Entries up to `index` are held in memory no longer; a majority with faster disks than ours does not free ours. */
  #release(index: LogIndex): void {
    const kept = this.#uncommitted.findIndex((entry) => entry.index > index);
    const released = this.#uncommitted.splice(0, kept === -1 ? this.#uncommitted.length : kept);
    for (const { bytes } of released) this.#uncommittedBytes -= bytes;
  }

  #grantReads(): void {
    const { round } = this.#reads;
    const rounds = [round];
    for (const progress of this.#peers.values()) rounds.push(progress.roundAcknowledged);
    if (reachedByMajority(rounds) >= round) this.#reads.grantOpenRound();
  }

  /** Tells the successor once its log is complete, again with each heartbeat: it campaigns at the first and is past this term then. */
  #advanceTransfer(): void {
    const transfer = this.#transfer;
    if (transfer === null || this.#peers.get(transfer.to)?.match !== this.#context.log.lastIndex) return;
    this.#context.send({
      type: 'timeoutNow',
      from: this.#context.config.id,
      to: transfer.to,
      term: this.#term,
    });
  }
}
