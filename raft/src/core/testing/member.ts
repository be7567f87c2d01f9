/**
 * One member: a core, its disk and its state machine (the list of what was applied, kept across crashes). The disk is
 * fast unless told otherwise: a batch is durable before anything else happens. A slow one waits for `finishPersist`.
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
import { MemoryDisk } from './disk.js';
import { changeOf, logOf } from './messages.js';

export interface MemberOptions {
  readonly id?: NodeId;
  readonly members?: readonly NodeId[];
  readonly term?: Term;
  readonly vote?: NodeId | null;
  /** The log on disk as the terms of its entries; the member's term is at least the last of them. */
  readonly log?: readonly Term[];
  /** How much of the log is applied, and so known to be committed. */
  readonly applied?: number;
  /** How much of what is applied is compacted. */
  readonly compacted?: number;
  readonly electionTicks?: number;
  readonly heartbeatTicks?: number;
  readonly limits?: Partial<CoreLimits>;
  readonly random?: () => number;
  readonly lease?: LeaseConfig | null;
}

/** Silence after which a member forgets its leader; it campaigns after 15 ticks, as the draw is always in the middle. */
export const ELECTION_TICKS = 10;
export const TIMEOUT_TICKS = 15;

export class Member {
  readonly id: NodeId;
  readonly disk: MemoryDisk;
  /** The state machine: every entry applied so far. */
  readonly machine: Entry[];
  /** The snapshot that was received: what the machine becomes. */
  staged: readonly Entry[] = [];
  core: RaftCore;
  slowDisk = false;
  /** One that is slow waits for `finishApply`. */
  slowMachine = false;
  /** The batch that the slow disk is busy with. */
  persisting: PersistBatch | null = null;
  grants: ReadGrant[] = [];
  readsLost: number[] = [];
  readsExpired: number[] = [];
  /** Who is to be sent a snapshot. */
  snapshots: NodeId[] = [];
  /** What was told of the group's membership, the latest. */
  view: MembershipView | null = null;
  #sent: Message[] = [];
  #applying: Entry[] = [];
  readonly #options: MemberOptions;

  constructor(options: MemberOptions = {}) {
    const log = logOf(options.log ?? []);
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
        initial: initialMembership(members),
        electionTicks: this.#options.electionTicks ?? ELECTION_TICKS,
        heartbeatTicks: this.#options.heartbeatTicks ?? 1,
        random,
        lease: this.#options.lease ?? null,
        limits: { ...DEFAULT_LIMITS, ...limits },
      },
      { hardState: this.disk.hardState, reader: this.disk, applied: this.machine.length },
    );
  }

  /** Loses everything but disk and machine, and starts anew. A batch under way is lost. */
  restart(): void {
    this.persisting = null;
    this.#sent = [];
    this.#applying = [];
    this.grants = [];
    this.readsLost = [];
    this.readsExpired = [];
    this.snapshots = [];
    this.core = this.#boot();
  }

  /** Terms of the whole log behind its base, the part in memory included. */
  get terms(): Term[] {
    const { base, lastIndex } = this.core.log;
    const length = lastIndex - base.index;
    return Array.from({ length }, (_, offset) => this.core.log.term(base.index + offset + 1));
  }

  /** A snapshot of the machine as it is now, with its place in the log. */
  get snapshot(): { readonly base: LogBase; readonly machine: readonly Entry[] } {
    const index = this.machine.length;
    return { base: this.core.log.baseAt(index), machine: [...this.machine] };
  }

  /** A snapshot has come, whole. Returns whether it was taken. */
  install(from: NodeId, term: Term, { base, machine }: Member['snapshot']): boolean {
    const isTaken = this.core.installSnapshot({ type: 'installSnapshot', from, to: this.id, term, base });
    if (isTaken) this.staged = machine;
    this.work();
    return isTaken;
  }

  step(...messages: readonly Message[]): this {
    for (const one of messages) this.core.step(one);
    return this.work();
  }

  tick(times = 1): this {
    for (let count = 0; count < times; count += 1) {
      this.core.tick();
      this.work();
    }
    return this;
  }

  propose(text = 'x'): number {
    const { index } = this.core.propose(Buffer.from(text));
    this.work();
    return index;
  }

  /** Logs a membership change, whoever answers: `+d` a voter, `?d` a learner, `-d` none. */
  change(text: string): this {
    this.core.changeMembership(changeOf(text), { force: true });
    return this.work();
  }

  /** The configuration in force, as `describeMembership` writes it. */
  get members(): string {
    return describeMembership(this.core.log.memberships.inForce);
  }

  read(id: number): this {
    this.core.read(id);
    return this.work();
  }

  /** What was sent since the last call. */
  take(): Message[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** Does what the core asks for until it asks for nothing, as the driver does. */
  work(): this {
    for (;;) {
      const { send, persist, apply, reads, readsLost, readsExpired, snapshots, membership } =
        this.core.ready();
      this.snapshots.push(...snapshots);
      this.view = membership ?? this.view;
      this.#sent.push(...send);
      this.grants.push(...reads);
      this.readsLost.push(...readsLost);
      this.readsExpired.push(...readsExpired);
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
    this.core.applied(this.machine.length);
  }

  /** What the slow machine was given is applied. */
  finishApply(): this {
    this.#apply();
    return this.work();
  }

  /** The batch under way becomes durable. */
  finishPersist(): this {
    this.#write();
    return this.work();
  }

  /** What a batch leaves behind, whether or not anyone lives to hear of it: a snapshot's machine comes first. */
  writeDown(batch: PersistBatch): void {
    if (batch.base !== undefined) this.machine.splice(0, this.machine.length, ...this.staged);
    this.disk.write(batch);
  }

  #write(): void {
    invariant(this.persisting !== null, 'no persist under way');
    this.writeDown(this.persisting);
    this.persisting = null;
    this.core.persisted();
  }
}

/** A follower of `leader` in `term`. */
export function followerOf(leader: NodeId, options: MemberOptions): Member {
  const member = new Member(options);
  const { term } = member.core;
  member.step({ type: 'heartbeat', from: leader, to: member.id, term, commit: 0, round: 0 });
  member.take();
  return member;
}

/** A member that has won the election of the term after its own; its no-op is logged, and the messages that won are taken. */
export function leaderOf(options: MemberOptions = {}): Member {
  const member = new Member(options);
  const { members = ['a', 'b', 'c'] } = options;
  const others = members.filter((other) => other !== member.id);
  const to = member.id;
  const term = member.core.term + 1;
  member.core.campaign();
  member.work();
  for (const from of others) {
    member.step({ type: 'preVoteResponse', from, to, term, granted: true, commit: 0, commitTerm: 0 });
  }
  for (const from of others) member.step({ type: 'voteResponse', from, to, term, granted: true });
  invariant(member.core.role === 'leader', `${to} did not win`);
  member.take();
  return member;
}
