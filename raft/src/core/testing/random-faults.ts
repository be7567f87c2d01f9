/**
 * A cluster under random faults: messages are lost, duplicated, delayed and reordered, links are cut in one
 * direction, disks are slow, logs are compacted, members crash and lose state that is not durable. The oracle
 * checks the members after every step. Runs with the same seed are equal.
 */
import { readEntry } from '../entry.js';
import { RaftError, invariant, type RaftErrorCode } from '../errors.js';
import type { MembershipChange } from '../membership-change.js';
import { initialMembership, isJoint, membersOf } from '../membership.js';
import type { Message, NodeId, Term } from '../types.js';
import { TestMember } from './test-member.js';
import { parseChange } from './messages.js';
import { InvariantChecker } from './invariant-checker.js';
import { TestRandom } from './random.js';

/** Maximum messages in flight; beyond it, random ones are lost. */
const POOL_MAX = 200;
/** Ticks within which a healed cluster must elect a leader, commit a new entry and apply it on all members. */
const LIVENESS_TICKS_MAX = 200;
/** Error codes that random requests may get; `BAD_CONFIG` is the answer to a transfer to a member without a vote. */
const REFUSALS: ReadonlySet<RaftErrorCode> = new Set([
  'NOT_LEADER',
  'NOT_READY',
  'CHANGE_PENDING',
  'BAD_MEMBERSHIP',
  'NOT_CAUGHT_UP',
  'QUORUM_UNREACHABLE',
  'BAD_CONFIG',
  'TRANSFER_REFUSED',
]);

/** A snapshot in transit. */
interface SnapshotInTransit extends SnapshotOf {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

type SnapshotOf = TestMember['snapshot'];

export class RandomFaultRun {
  readonly #random: TestRandom;
  readonly #oracle: InvariantChecker;
  readonly #members: readonly TestMember[];
  readonly #down = new Set<TestMember>();
  readonly #cut = new Set<string>();
  /** An isolated member whose clock is stopped, so that it keeps its role and believes its old state. */
  #paused: TestMember | null = null;
  readonly #changesMembers: boolean;
  #pool: Message[] = [];
  #snapshots: SnapshotInTransit[] = [];
  #installs = 0;
  #requests = 0;

  /**
   * @param size the voters at the start
   * @param spares further members, which random membership changes add; without spares there are no such changes
   */
  constructor(seed: number, size: number, spares = 0) {
    this.#random = new TestRandom(seed);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, size + spares);
    const voters = ids.slice(0, size);
    this.#changesMembers = spares > 0;
    // Low limits, so that windows fill up and appends are split.
    const limits = {
      appendBytesMax: 100,
      inflightMessagesMax: 1 + this.#random.below(4),
      applyBytesMax: 100,
    };
    this.#members = ids.map((id) => {
      const members = voters.includes(id) ? voters : [];
      return new TestMember({ id, members, limits, random: this.#random.next });
    });
    for (const member of this.#members) member.slowDisk = true;
    this.#oracle = new InvariantChecker(this.#members, initialMembership(voters));
  }

  /** Number of configurations committed in this run. */
  get changes(): number {
    return this.#oracle.changes;
  }

  /** Number of entries committed in this run: a run that commits nothing proves nothing. */
  get committed(): number {
    return this.#oracle.committed;
  }

  /** Number of snapshots installed in this run. */
  get installs(): number {
    return this.#installs;
  }

  step(): void {
    const dice = this.#random.below(1000);
    const member = this.#random.pick(this.#members.filter((one) => !this.#down.has(one)));
    if (dice < 630) this.#deliver();
    else if (dice < 650) this.#deliverSnapshot();
    else if (dice >= 994) this.#rareFault();
    else if (member === undefined) return;
    else if (dice < 750) this.#act(member, () => member !== this.#paused && member.tick());
    else if (dice < 895) this.#act(member, () => member.persisting && member.finishPersist());
    else if (dice < 900) this.#act(member, () => this.#compact(member));
    else this.#request(member);
  }

  /** Heals all faults and requires progress: one leader, and a new entry applied by all members. */
  recover(): void {
    this.#heal();
    for (const member of [...this.#down]) this.#restart(member);
    let proposed = false;
    for (let tick = 0; tick < LIVENESS_TICKS_MAX; tick += 1) {
      for (const member of this.#members) this.#act(member, () => member.tick());
      this.#settle();
      const leader = this.#members.find(({ core }) => core.role === 'leader');
      if (leader === undefined) continue;
      if (!proposed) {
        this.#request(leader);
        proposed = leader.core.log.lastTerm === leader.core.term;
      }
      const { lastIndex } = leader.core.log;
      const { current } = leader.core.log.memberships;
      const group = this.#members.filter(({ id }) => membersOf(current).includes(id));
      const isApplied = group.every(({ machine }) => machine.length === lastIndex);
      if (proposed && isApplied && !isJoint(current)) return;
    }
    const states = this.#members.map(({ core, machine }) => ({ ...core.status(), machine: machine.length }));
    invariant(false, `no progress in ${LIVENESS_TICKS_MAX} ticks: ${JSON.stringify(states)}`);
  }

  #settle(): void {
    const isBusy = (): boolean => this.#pool.length > 0 || this.#snapshots.length > 0;
    while (isBusy() || this.#members.some(({ persisting }) => persisting !== null)) {
      while (this.#snapshots.length > 0) this.#deliverSnapshot();
      for (const member of this.#members) {
        if (member.persisting !== null) this.#act(member, () => member.finishPersist());
      }
      const batch = this.#pool;
      this.#pool = [];
      for (const message of batch) this.#receive(message);
    }
  }

  /** Delivers the oldest message or sometimes another one; sometimes loses it, or keeps a duplicate in flight. */
  #deliver(): void {
    const position = this.#random.chance(0.7) ? 0 : this.#random.below(this.#pool.length);
    const message = this.#pool[position];
    if (message === undefined) return;
    if (!this.#random.chance(0.05)) this.#pool.splice(position, 1);
    if (this.#cut.has(`${message.from} ${message.to}`) || this.#random.chance(0.05)) return;
    this.#receive(message);
  }

  /** Delivers or loses one snapshot, and reports the result to its sender if that is still in the same term. */
  #deliverSnapshot(): void {
    const snapshot = this.#random.pick(this.#snapshots);
    if (snapshot === undefined) return;
    const { from, to, term, base } = snapshot;
    this.#snapshots = this.#snapshots.filter((other) => other !== snapshot);
    const [sender, member] = [this.#member(from), this.#member(to)];
    const arrives = !this.#down.has(member) && !this.#cut.has(`${from} ${to}`) && !this.#random.chance(0.2);
    if (arrives) {
      this.#act(member, () => {
        if (member.receiveSnapshot(from, term, snapshot)) this.#installs += 1;
      });
    }
    if (this.#down.has(sender) || sender.core.term !== term) return;
    this.#act(sender, () => {
      if (arrives) sender.core.onSnapshotAccepted(to, base.index);
      else sender.core.onSnapshotFailed(to);
      sender.handleReady();
    });
  }

  /** Compacts the log up to a random applied entry; members do this independently. */
  #compact(member: TestMember): void {
    const { base } = member.core.log;
    const room = member.machine.length - base.index;
    if (room > 0 && member.disk.base().index === base.index) {
      member.disk.compact(base.index + 1 + this.#random.below(room));
    }
  }

  #receive(message: Message): void {
    const member = this.#member(message.to);
    if (!this.#down.has(member)) this.#act(member, () => member.step(overTheWire(message)));
  }

  /** Sends a random client request to a member, leader or not. */
  #request(member: TestMember): void {
    this.#requests += 1;
    const id = this.#requests;
    const other = this.#random.pick(this.#members.filter((one) => one !== member));
    const dice = this.#random.below(20);
    this.#act(member, () => {
      try {
        if (this.#changesMembers && dice < 7)
          member.core.changeMembership(this.#randomChange(), { force: dice < 5 });
        else if (dice < 10) member.propose(String(id));
        else if (dice < 18) {
          member.core.requestRead(id);
          this.#oracle.onReadRequested(id);
        } else if (dice === 19) member.core.cancelTransfer();
        else if (other !== undefined) member.core.transferLeadership(other.id);
        member.handleReady();
      } catch (error) {
        if (!(error instanceof RaftError && REFUSALS.has(error.code))) throw error;
      }
    });
  }

  /** A random change of one to three parts; members must refuse the invalid ones. */
  #randomChange(): MembershipChange {
    const parts = Array.from({ length: 1 + this.#random.below(3) }, () => {
      const sign = this.#random.pick(['+', '+', '?', '-']) ?? '+';
      return `${sign}${this.#random.pick(this.#members)?.id ?? ''}`;
    });
    return parseChange(parts.join(' '));
  }

  #rareFault(): void {
    const member = this.#random.pick(this.#members);
    const other = this.#random.pick(this.#members);
    if (member === undefined || other === undefined) return;
    const dice = this.#random.below(10);
    const crashed = this.#random.pick([...this.#down]);
    // Crashed members restart soon; otherwise there would rarely be a majority.
    if (dice < 5 && crashed !== undefined) this.#restart(crashed);
    else if (dice < 4) this.#down.add(member);
    else if (dice < 6) this.#cutOff(member, other);
    else if (dice < 8) this.#heal();
    else if (!this.#down.has(member)) {
      this.#act(member, () => {
        member.core.onLinkLost(other.id);
        member.core.onUnreachable(other.id);
        member.handleReady();
      });
    }
  }

  /** Cuts one link in one direction, or isolates a member and stops its clock. */
  #cutOff(member: TestMember, other: TestMember): void {
    this.#cut.add(`${member.id} ${other.id}`);
    if (this.#random.chance(0.5)) return;
    this.#paused = member;
    for (const { id } of this.#members) {
      this.#cut.add(`${member.id} ${id}`);
      this.#cut.add(`${id} ${member.id}`);
    }
  }

  #heal(): void {
    this.#cut.clear();
    this.#paused = null;
  }

  #restart(member: TestMember): void {
    this.#down.delete(member);
    // The batch being written may have reached the disk just before the crash, or not.
    if (member.persisting !== null && this.#random.chance(0.5)) member.writeBatch(member.persisting);
    member.restart();
    this.#oracle.onRestart(member);
  }

  /** Runs an action of a member, then checks the member and the messages that it sends. */
  #act(member: TestMember, action: () => unknown): void {
    action();
    this.#oracle.check(member);
    for (const message of member.takeSent()) {
      this.#oracle.checkSent(message, member);
      this.#pool.push(message);
    }
    for (const to of member.snapshots.splice(0)) {
      this.#snapshots.push({ from: member.id, to, term: member.core.term, ...member.snapshot });
    }
    while (this.#pool.length > POOL_MAX) this.#pool.splice(this.#random.below(this.#pool.length), 1);
  }

  #member(id: NodeId): TestMember {
    const member = this.#members.find((one) => one.id === id);
    invariant(member !== undefined, `unknown member: ${id}`);
    return member;
  }
}

/** A copy of the message with new entry objects, because processes do not share entries. */
function overTheWire(message: Message): Message {
  if (message.type !== 'appendRequest') return message;
  return { ...message, entries: message.entries.map(({ record }) => readEntry(record)) };
}
