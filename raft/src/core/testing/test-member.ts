/**
 * One member: a core, its disk and its state machine (the list of applied entries, which survives crashes). By
 * default the disk is fast: a batch is durable before anything else happens. A slow disk waits for
 * `finishPersist`.
 */
import { DEFAULT_LIMITS, type CoreLimits } from '../config.js';
import { invariant } from '../errors.js';
import type { LeaseConfig } from '../lease.js';
import { describeMembership, initialMembership } from '../membership.js';
import { RaftCore } from '../raft.js';
import type {
  Entry,
  LogBase,
  MembershipView,
  Message,
  NodeId,
  PersistBatch,
  ReadGrant,
  Term,
} from '../types.js';
import { MemoryDisk } from './memory-disk.js';
import { parseChange, makeLog } from './messages.js';

export interface TestMemberOptions {
  readonly id?: NodeId;
  readonly members?: readonly NodeId[];
  readonly term?: Term;
  readonly vote?: NodeId | null;
  /** The log on disk as the terms of its entries; the member's term is at least the last of them. */
  readonly log?: readonly Term[];
  /** The applied index; entries up to it are known to be committed. */
  readonly applied?: number;
  /** The index up to which the log is compacted. */
  readonly compacted?: number;
  readonly electionTicks?: number;
  readonly heartbeatTicks?: number;
  readonly limits?: Partial<CoreLimits>;
  readonly random?: () => number;
  readonly lease?: LeaseConfig | null;
}

/** The shortest election timeout. */
export const ELECTION_TICKS = 10;
/** The election timeout of members with the default `random`, which is always 0.5. */
export const TIMEOUT_TICKS = 15;

export class TestMember {
  readonly id: NodeId;
  readonly disk: MemoryDisk;
  /** The state machine: all entries applied so far. */
  readonly machine: Entry[];
  /** The received snapshot: the state of the machine once it is installed. */
  receivedSnapshot: readonly Entry[] = [];
  core: RaftCore;
  slowDisk = false;
  /** A slow state machine waits for `finishApply`. */
  slowMachine = false;
  /** The batch that is being written. */
  persisting: PersistBatch | null = null;
  grantedReads: ReadGrant[] = [];
  failedReads: number[] = [];
  expiredReads: number[] = [];
  /** The members that need a snapshot. */
  snapshots: NodeId[] = [];
  /** The latest configurations that the core has reported. */
  membershipView: MembershipView | null = null;
  #sent: Message[] = [];
  #applying: Entry[] = [];
  readonly #options: TestMemberOptions;

  constructor(options: TestMemberOptions = {}) {
    const log = makeLog(options.log ?? []);
    const term = Math.max(options.term ?? 0, log.at(-1)?.term ?? 0);
    this.#options = options;
    this.id = options.id ?? 'a';
    this.disk = new MemoryDisk({ term, vote: options.vote ?? null }, log);
    this.machine = log.slice(0, options.applied ?? 0);
    if (options.compacted !== undefined) this.disk.compact(options.compacted);
    this.core = this.#boot();
  }

  #boot(): RaftCore {
    const { members = ['a', 'b', 'c'], random = () => 0.5, limits } = this.#options;
    return new RaftCore(
      {
        id: this.id,
        initialMembership: initialMembership(members),
        electionTicks: this.#options.electionTicks ?? ELECTION_TICKS,
        heartbeatTicks: this.#options.heartbeatTicks ?? 1,
        random,
        lease: this.#options.lease ?? null,
        limits: { ...DEFAULT_LIMITS, ...limits },
      },
      { hardState: this.disk.hardState, reader: this.disk, applied: this.machine.length },
    );
  }

  /** Crashes and restarts: only disk and state machine survive. The batch being written is lost. */
  restart(): void {
    this.persisting = null;
    this.#sent = [];
    this.#applying = [];
    this.grantedReads = [];
    this.failedReads = [];
    this.expiredReads = [];
    this.snapshots = [];
    this.core = this.#boot();
  }

  /** The terms of all entries after the base, on disk and in memory. */
  get terms(): Term[] {
    const { base, lastIndex } = this.core.log;
    const length = lastIndex - base.index;
    return Array.from({ length }, (_, offset) => this.core.log.term(base.index + offset + 1));
  }

  /** A snapshot of the current state of the machine, with its base. */
  get snapshot(): { readonly base: LogBase; readonly machine: readonly Entry[] } {
    const index = this.machine.length;
    return { base: this.core.log.baseAt(index), machine: [...this.machine] };
  }

  /** Handles a complete snapshot. Returns whether it was accepted. */
  receiveSnapshot(from: NodeId, term: Term, { base, machine }: TestMember['snapshot']): boolean {
    const isTaken = this.core.handleSnapshot({ type: 'installSnapshot', from, to: this.id, term, base });
    if (isTaken) this.receivedSnapshot = machine;
    this.handleReady();
    return isTaken;
  }

  step(...messages: readonly Message[]): this {
    for (const one of messages) this.core.step(one);
    return this.handleReady();
  }

  tick(times = 1): this {
    for (let count = 0; count < times; count += 1) {
      this.core.tick();
      this.handleReady();
    }
    return this;
  }

  propose(text = 'x'): number {
    const { index } = this.core.propose(Buffer.from(text));
    this.handleReady();
    return index;
  }

  /** Forces a membership change: `+d` adds a voter, `?d` adds a learner, `-d` removes. */
  change(text: string): this {
    this.core.changeMembership(parseChange(text), { force: true });
    return this.handleReady();
  }

  /** The configuration in force, as `describeMembership` writes it. */
  get members(): string {
    return describeMembership(this.core.log.memberships.current);
  }

  read(id: number): this {
    this.core.requestRead(id);
    return this.handleReady();
  }

  /** The messages sent since the last call. */
  takeSent(): Message[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** Does the work of `ready()` until there is none, like the driver. */
  handleReady(): this {
    for (;;) {
      const { send, persist, apply, reads, failedReads, expiredReads, snapshotsTo, membership } =
        this.core.ready();
      this.snapshots.push(...snapshotsTo);
      this.membershipView = membership ?? this.membershipView;
      this.#sent.push(...send);
      this.grantedReads.push(...reads);
      this.failedReads.push(...failedReads);
      this.expiredReads.push(...expiredReads);
      this.#applying.push(...apply);
      if (!this.slowMachine) this.#apply();
      if (persist !== null) this.persisting = persist;
      if (persist !== null && !this.slowDisk) this.#write();
      if (apply.length === 0 && (persist === null || this.slowDisk)) return this;
    }
  }

  #apply(): void {
    if (this.#applying.length === 0) return;
    this.machine.push(...this.#applying.splice(0));
    this.core.onApplied(this.machine.length);
  }

  /** The slow state machine applies the entries that it was given. */
  finishApply(): this {
    this.#apply();
    return this.handleReady();
  }

  /** The batch being written becomes durable. */
  finishPersist(): this {
    this.#write();
    return this.handleReady();
  }

  /** Writes a batch, with its snapshot first, without notifying the core: the member may have crashed. */
  writeBatch(batch: PersistBatch): void {
    if (batch.base !== undefined) this.machine.splice(0, this.machine.length, ...this.receivedSnapshot);
    this.disk.write(batch);
  }

  #write(): void {
    invariant(this.persisting !== null, 'no batch is being written');
    this.writeBatch(this.persisting);
    this.persisting = null;
    this.core.onPersisted();
  }
}

/** A follower of `leader` in `term`. */
export function followerOf(leader: NodeId, options: TestMemberOptions): TestMember {
  const member = new TestMember(options);
  const { term } = member.core;
  member.step({ type: 'heartbeat', from: leader, to: member.id, term, commit: 0, round: 0 });
  member.takeSent();
  return member;
}

/** A member that has won the election of the next term. It has logged its no-op; its messages so far are dropped. */
export function leaderOf(options: TestMemberOptions = {}): TestMember {
  const member = new TestMember(options);
  const { members = ['a', 'b', 'c'] } = options;
  const others = members.filter((other) => other !== member.id);
  const to = member.id;
  const term = member.core.term + 1;
  member.core.campaign();
  member.handleReady();
  for (const from of others) {
    member.step({ type: 'preVoteResponse', from, to, term, granted: true, commit: 0, commitTerm: 0 });
  }
  for (const from of others) member.step({ type: 'voteResponse', from, to, term, granted: true });
  invariant(member.core.role === 'leader', `${to} did not win the election`);
  member.takeSent();
  return member;
}
