/**
 * The consensus core: one member's Raft state machine. It does no I/O and has no clock: the driver gives it ticks,
 * messages and proposals, and then asks `ready()` what to do. Everything is synchronous.
 *
 * What waits for the disk (Raft, figure 2: "updated on stable storage before responding"): answers to vote requests,
 * refusals too, since they speak of a term that must be durable; votes asked for, accepted appends, and the leader's count
 * of itself. What does not: appends and heartbeats of a leader, pre-votes and their answers, rejected appends.
 */
import { VotingState } from './voting-state.js';
import { checkConfig, type CoreConfig, type CoreStart } from './config.js';
import { RaftError, invariant } from './errors.js';
import { Health } from './health.js';
import { MessageHandler } from './message-handler.js';
import type { Leadership } from './leadership.js';
import { RaftLog } from './log.js';
import type { MembershipChange } from './membership-change.js';
import { Outbox } from './outbox.js';
import { RemoteReads } from './remote-reads.js';
import { ElectionState } from './election-state.js';
import type {
  CoreStatus,
  Entry,
  InstallSnapshot,
  LogIndex,
  Message,
  NodeId,
  Ready,
  Role,
  Term,
} from './types.js';

/** Where the numbers of a member's read requests may begin. */
const REQUESTS_MAX = 2 ** 48;

/** One member's Raft state machine; see the head of this file for what it waits for. */
export class RaftCore {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly #health: Health;
  readonly #outbox: Outbox;
  readonly #election: ElectionState;
  /** Reads that its leader is asked for while this member does not lead. */
  readonly #remoteReads: RemoteReads;
  readonly #messages: MessageHandler;
  #readsLost: readonly number[] = [];

  /** @throws RaftError `BAD_CONFIG` naming the value that is out of its bounds. */
  constructor(config: CoreConfig, start: CoreStart) {
    checkConfig(config);
    this.config = config;
    this.log = new RaftLog(start.reader, start.applied, config.initial);
    const voting = new VotingState(start.hardState);
    const { lastTerm } = this.log;
    invariant(voting.term >= lastTerm, `term ${voting.term} is below the log's last ${lastTerm}`);
    this.#health = new Health(config.electionTicks);
    this.#outbox = new Outbox(this.log, voting, this.#health);
    this.#election = new ElectionState({
      ...{ config, log: this.log, voting, outbox: this.#outbox, health: this.#health },
      left: (leadership) => this.#loseReads(leadership),
    });
    const bounds = { sizeMax: config.limits.readsMax, ticksMax: config.electionTicks };
    this.#remoteReads = new RemoteReads(bounds, Math.floor(config.random() * REQUESTS_MAX));
    this.#messages = new MessageHandler({
      ...{ id: config.id, log: this.log, outbox: this.#outbox },
      ...{ election: this.#election, remoteReads: this.#remoteReads },
    });
  }

  /** The term that this member is in. */
  get term(): Term {
    return this.#election.term;
  }

  /** What it is in its term. */
  get role(): Role {
    return this.#election.role;
  }

  /** Who leads its term, as far as it knows: itself or another; null where it does not. */
  get leader(): NodeId | null {
    return this.#election.leader;
  }

  /** What this member does as a leader; null while it does not lead. */
  get leadership(): Leadership | null {
    return this.#election.leadership;
  }

  /** All of it at once. */
  status(): CoreStatus {
    const { base, lastIndex, commit, applied, memberships } = this.log;
    const { role, term, leader } = this;
    const places = { firstIndex: base.index + 1, lastIndex, commit, applied };
    const { inForce: membership, inForceIndex: membershipIndex } = memberships;
    return { id: this.config.id, role, term, leader, ...places, membership, membershipIndex };
  }

  /** One unit of time has passed. */
  tick(): void {
    this.#health.tick();
    this.#remoteReads.tick();
    this.#election.tick();
  }

  /** Starts an election now, pre-vote first, if this member may. For tests and for a first start that need not wait. */
  campaign(): void {
    this.#election.campaign();
  }

  /**
   * The link from `member` broke as it does when a process dies: a hint that its leadership is over, if it leads. A leader
   * takes it for unreachable until it is heard again.
   */
  linkLost(member: NodeId): void {
    this.leadership?.linkLost(member);
    this.#election.linkLost(member);
  }

  /** Messages to `member` may be lost. */
  unreachable(member: NodeId): void {
    this.leadership?.unreachable(member);
  }

  /** The snapshot for `member`, as of `index`, was taken by it. */
  snapshotSent(member: NodeId, index: LogIndex): void {
    this.leadership?.snapshotSent(member, index);
  }

  /** The snapshot for `member` could not be sent, or was refused. Another one follows once the member is heard of. */
  snapshotFailed(member: NodeId): void {
    this.leadership?.snapshotFailed(member);
  }

  /**
   * The machine begins to write a piece of a snapshot that is coming in, or is done with it. Where that takes too long
   * this member falls silent, like one whose log is not written: it would keep a leader that can commit nothing by it.
   */
  writingSnapshot(isUnderWay: boolean): void {
    if (isUnderWay) this.#health.begin('receive');
    else this.#health.end('receive');
  }

  /**
   * A snapshot has been received. Returns whether it is to be installed: a batch of one of the next `ready` then names
   * its base. Else it is of no use: stale, of a stranger, or behind what this member has.
   */
  installSnapshot(message: InstallSnapshot): boolean {
    return this.#messages.install(message);
  }

  /**
   * Appends `data` as one entry to the leader's log.
   * @throws RaftError `NOT_LEADER`, `OVERLOADED` or `TOO_LARGE`: the proposal surely had no effect.
   */
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term } {
    return { index: this.#leading().propose(data), term: this.term };
  }

  /**
   * Asks for a linearizable read; `ready().reads` grants it, or `readsLost` or `readsExpired` names it. `id` is the
   * driver's own. Who follows asks its leader.
   * @throws RaftError `OVERLOADED`, or `NOT_LEADER` where no leader is known.
   */
  read(id: number): void {
    if (this.leadership === null && this.leader !== null) this.#remoteReads.add(id);
    else this.#leading().read(id);
  }

  /** An index that a linearizable read may be served at now, without asking anyone; null where no lease is held. */
  leaseIndex(): LogIndex | null {
    return this.leadership?.isLeaseHeld === true ? this.log.commit : null;
  }

  /**
   * Logs a change of the group's membership; it takes effect once it is applied.
   * @param options.force logs it although too few of its voters answer this leader, or new ones do not have the log
   * @throws RaftError `NOT_LEADER`, `NOT_READY`, `CHANGE_PENDING`, `BAD_MEMBERSHIP`, `NOT_CAUGHT_UP` or
   *   `QUORUM_UNREACHABLE`: it surely had no effect.
   */
  changeMembership(change: MembershipChange, { force = false }: { readonly force?: boolean } = {}): LogIndex {
    return this.#leading().changeMembership(change, force);
  }

  /**
   * Transfers leadership to `to`; given up after an election timeout from when it was first asked for.
   * @param options.isStopping whether this member stops next: then transfers that failed just before do not count
   * @throws RaftError `NOT_LEADER`; `BAD_CONFIG` if it is no other voter; `TRANSFER_REFUSED` if a transfer to another one is
   *   under way, `to` is silent, or transfers have failed just before.
   */
  transfer(to: NodeId, { isStopping = false }: { readonly isStopping?: boolean } = {}): void {
    this.#leading().transfer(to, isStopping);
  }

  /** Gives up the transfer under way, if there is one. A target that was told to campaign already may still win. */
  cancelTransfer(): void {
    this.leadership?.cancelTransfer();
  }

  #leading(): Leadership {
    if (this.leadership === null) throw new RaftError('NOT_LEADER', `leader is ${this.leader ?? 'unknown'}`);
    return this.leadership;
  }

  /**
   * Takes a message from another member. Whoever claims to be this member is ignored. Who is not in the configuration
   * that is in force here is heard all the same: a member that lags behind may not know its leader, nor the candidate
   * that needs its vote (thesis 4.1). Strangers to the cluster are kept out by the transport, and count in no majority.
   */
  step(message: Message): void {
    this.#messages.step(message);
  }

  /** Reads that the role which ends was asked for have no one to confirm them. */
  #loseReads(leadership: Leadership | null): void {
    // Not push(...): a hundred thousand arguments overflow the stack.
    const own = leadership?.abandonReads() ?? [];
    this.#readsLost = this.#readsLost.concat(own, this.#remoteReads.abandon());
  }

  /** What to do now. Every message, entry and read is handed out once. */
  ready(): Ready {
    this.leadership?.pump();
    const persist = this.#outbox.takePersist();
    this.#deliver(this.#outbox.takeHeldForNothing());
    this.#askLeader();
    const readsLost = this.#readsLost;
    this.#readsLost = [];
    return {
      send: this.#outbox.takeSendable(),
      persist,
      apply: this.#takeCommitted(),
      reads: this.#remoteReads.takeGranted().concat(this.leadership?.takeGrantedReads() ?? []),
      readsLost,
      readsExpired: this.#remoteReads.takeExpired(),
      snapshots: this.leadership?.takeSnapshots() ?? [],
      membership: this.log.memberships.takeNews(),
    };
  }

  /**
   * Not before the term is durable in which this was learned to be committed: after a crash an earlier leader, of whose
   * log it need not be part, could be followed again.
   */
  #takeCommitted(): readonly Entry[] {
    if (!this.#outbox.isBallotDurable) return [];
    const entries = this.log.takeCommitted(this.config.limits.applyBytesMax);
    if (entries.length > 0) this.#health.begin('apply');
    return entries;
  }

  /** Asks the leader for all reads that came in this turn. */
  #askLeader(): void {
    if (this.leader === null || this.leadership !== null) return;
    const request = this.#remoteReads.next();
    if (request === null) return;
    const { id: from } = this.config;
    this.#outbox.send({ type: 'readRequest', from, to: this.leader, term: this.term, request });
  }

  /** The batch of the last `ready` is durable. */
  persisted(): void {
    this.#deliver(this.#outbox.persisted());
  }

  #deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      // What was said in an earlier term is void, and this member must not speak for that term any more.
      if (message.term !== this.term) continue;
      if (message.to === this.config.id) this.#messages.stepSameTerm(message);
      else this.#outbox.send(message);
    }
  }

  /** The state machine has applied everything that was handed out, up to `index`. */
  applied(index: LogIndex): void {
    this.#health.end('apply');
    if (this.log.appliedTo(index)) this.leadership?.membershipChanged();
  }
}
