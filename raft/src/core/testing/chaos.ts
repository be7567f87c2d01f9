/**
 * A cluster under random faults: messages are lost, repeated, delayed and reordered, links are cut one way, disks are
 * slow, logs are compacted, members crash and lose what was not durable. The oracle looks after every step. Same seed, same run.
 */
import { readEntry } from '../entry.js';
import { RaftError, invariant, type RaftErrorCode } from '../errors.js';
import type { MembershipChange } from '../membership-change.js';
import { initialMembership, isJoint, membersOf } from '../membership.js';
import type { Message, NodeId, Term } from '../types.js';
import { Member } from './member.js';
import { changeOf } from './messages.js';
import { Oracle } from './oracle.js';
import { Random } from './random.js';

/** Messages under way at most; beyond it one of them is lost. */
const POOL_MAX = 200;
/** Ticks of all members within which a healed cluster must elect, commit and apply everywhere. */
const LIVENESS_TICKS_MAX = 200;
/** What a member may answer to what is asked of it at random; a transfer to who has no vote is a bad configuration. */
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

/** A snapshot under way, as of the place that it was taken at. */
interface Parcel extends SnapshotOf {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

type SnapshotOf = Member['snapshot'];

export class Chaos {
  readonly #random: Random;
  readonly #oracle: Oracle;
  readonly #members: readonly Member[];
  readonly #down = new Set<Member>();
  readonly #cut = new Set<string>();
  /** A member whose clock stands still: it goes on believing what it believed when it was cut off. */
  #still: Member | null = null;
  readonly #changes: boolean;
  #pool: Message[] = [];
  #parcels: Parcel[] = [];
  #installs = 0;
  #counter = 0;

  /** A group of `size`, and `spares` that membership changes let in, and others out. */
  constructor(seed: number, size: number, spares = 0) {
    this.#random = new Random(seed);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, size + spares);
    const voters = ids.slice(0, size);
    this.#changes = spares > 0;
    // Tight limits, so that windows fill and appends are cut.
    const limits = {
      appendBytesMax: 100,
      inflightMessagesMax: 1 + this.#random.below(4),
      applyBytesMax: 100,
    };
    this.#members = ids.map((id) => {
      const members = voters.includes(id) ? voters : [];
      return new Member({ id, members, limits, random: this.#random.next });
    });
    for (const member of this.#members) member.slowDisk = true;
    this.#oracle = new Oracle(this.#members, initialMembership(voters));
  }

  /** How many configurations were committed. */
  get changes(): number {
    return this.#oracle.changes;
  }

  /** How much was committed in this run: a run that commits nothing shows nothing. */
  get committed(): number {
    return this.#oracle.committed;
  }

  /** How many snapshots were installed in this run. */
  get installs(): number {
    return this.#installs;
  }

  step(): void {
    const dice = this.#random.below(1000);
    const member = this.#random.pick(this.#members.filter((one) => !this.#down.has(one)));
    if (dice < 630) this.#deliver();
    else if (dice < 650) this.#deliverParcel();
    else if (dice >= 994) this.#rareFault();
    else if (member === undefined) return;
    else if (dice < 750) this.#act(member, () => member !== this.#still && member.tick());
    else if (dice < 895) this.#act(member, () => member.persisting && member.finishPersist());
    else if (dice < 900) this.#act(member, () => this.#compact(member));
    else this.#ask(member);
  }

  /** Heals everything and demands progress: one leader, and a new entry applied by all. */
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
        this.#ask(leader);
        proposed = leader.core.log.lastTerm === leader.core.term;
      }
      const { lastIndex } = leader.core.log;
      const { inForce } = leader.core.log.memberships;
      const group = this.#members.filter(({ id }) => membersOf(inForce).includes(id));
      const isApplied = group.every(({ machine }) => machine.length === lastIndex);
      if (proposed && isApplied && !isJoint(inForce)) return;
    }
    const states = this.#members.map(({ core, machine }) => ({ ...core.status(), machine: machine.length }));
    invariant(false, `no progress in ${LIVENESS_TICKS_MAX} ticks: ${JSON.stringify(states)}`);
  }

  #settle(): void {
    const isBusy = (): boolean => this.#pool.length > 0 || this.#parcels.length > 0;
    while (isBusy() || this.#members.some(({ persisting }) => persisting !== null)) {
      while (this.#parcels.length > 0) this.#deliverParcel();
      for (const member of this.#members) {
        if (member.persisting !== null) this.#act(member, () => member.finishPersist());
      }
      const batch = this.#pool;
      this.#pool = [];
      for (const message of batch) this.#receive(message);
    }
  }

  /** Delivers the oldest message or, at times, any other; now and then loses it, or leaves it to come again. */
  #deliver(): void {
    const place = this.#random.chance(0.7) ? 0 : this.#random.below(this.#pool.length);
    const message = this.#pool[place];
    if (message === undefined) return;
    if (!this.#random.chance(0.05)) this.#pool.splice(place, 1);
    if (this.#cut.has(`${message.from} ${message.to}`) || this.#random.chance(0.05)) return;
    this.#receive(message);
  }

  /** One snapshot comes, or it does not; its sender learns which, unless it has something else in mind by now. */
  #deliverParcel(): void {
    const parcel = this.#random.pick(this.#parcels);
    if (parcel === undefined) return;
    const { from, to, term, base } = parcel;
    this.#parcels = this.#parcels.filter((other) => other !== parcel);
    const [sender, member] = [this.#member(from), this.#member(to)];
    const arrives = !this.#down.has(member) && !this.#cut.has(`${from} ${to}`) && !this.#random.chance(0.2);
    if (arrives) {
      this.#act(member, () => {
        if (member.install(from, term, parcel)) this.#installs += 1;
      });
    }
    if (this.#down.has(sender) || sender.core.term !== term) return;
    this.#act(sender, () => {
      if (arrives) sender.core.snapshotSent(to, base.index);
      else sender.core.snapshotFailed(to);
      sender.work();
    });
  }

  /** Drops some of what is applied, as each member does by itself. */
  #compact(member: Member): void {
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

  /** A client asks something of a member that may or may not lead. */
  #ask(member: Member): void {
    this.#counter += 1;
    const id = this.#counter;
    const other = this.#random.pick(this.#members.filter((one) => one !== member));
    const dice = this.#random.below(20);
    this.#act(member, () => {
      try {
        if (this.#changes && dice < 7) member.core.changeMembership(this.#someChange(), { force: dice < 5 });
        else if (dice < 10) member.propose(String(id));
        else if (dice < 18) {
          member.core.read(id);
          this.#oracle.readAsked(id);
        } else if (dice === 19) member.core.cancelTransfer();
        else if (other !== undefined) member.core.transfer(other.id);
        member.work();
      } catch (error) {
        if (!(error instanceof RaftError && REFUSALS.has(error.code))) throw error;
      }
    });
  }

  /** One to three parts, some of which cannot be: they are to be refused. */
  #someChange(): MembershipChange {
    const parts = Array.from({ length: 1 + this.#random.below(3) }, () => {
      const sign = this.#random.pick(['+', '+', '?', '-']) ?? '+';
      return `${sign}${this.#random.pick(this.#members)?.id ?? ''}`;
    });
    return changeOf(parts.join(' '));
  }

  #rareFault(): void {
    const member = this.#random.pick(this.#members);
    const other = this.#random.pick(this.#members);
    if (member === undefined || other === undefined) return;
    const dice = this.#random.below(10);
    const sleeper = this.#random.pick([...this.#down]);
    // A member that is down comes back before long, else there is seldom a majority.
    if (dice < 5 && sleeper !== undefined) this.#restart(sleeper);
    else if (dice < 4) this.#down.add(member);
    else if (dice < 6) this.#cutOff(member, other);
    else if (dice < 8) this.#heal();
    else if (!this.#down.has(member)) {
      this.#act(member, () => {
        member.core.linkLost(other.id);
        member.core.unreachable(other.id);
        member.work();
      });
    }
  }

  /** Cuts one link one way, or all of a member and stops its clock. */
  #cutOff(member: Member, other: Member): void {
    this.#cut.add(`${member.id} ${other.id}`);
    if (this.#random.chance(0.5)) return;
    this.#still = member;
    for (const { id } of this.#members) {
      this.#cut.add(`${member.id} ${id}`);
      this.#cut.add(`${id} ${member.id}`);
    }
  }

  #heal(): void {
    this.#cut.clear();
    this.#still = null;
  }

  #restart(member: Member): void {
    this.#down.delete(member);
    // The batch under way may have reached the disk just before the crash, or not.
    if (member.persisting !== null && this.#random.chance(0.5)) member.writeDown(member.persisting);
    member.restart();
    this.#oracle.restarted(member);
  }

  /** Has a member do something, then looks at it and at what it says. */
  #act(member: Member, what: () => unknown): void {
    what();
    this.#oracle.check(member);
    for (const message of member.take()) {
      this.#oracle.checkSent(message, member);
      this.#pool.push(message);
    }
    for (const to of member.snapshots.splice(0)) {
      this.#parcels.push({ from: member.id, to, term: member.core.term, ...member.snapshot });
    }
    while (this.#pool.length > POOL_MAX) this.#pool.splice(this.#random.below(this.#pool.length), 1);
  }

  #member(id: NodeId): Member {
    const member = this.#members.find((one) => one.id === id);
    invariant(member !== undefined, `no member ${id}`);
    return member;
  }
}

/** The same message in other objects, as entries are never shared between processes. */
function overTheWire(message: Message): Message {
  if (message.type !== 'appendRequest') return message;
  return { ...message, entries: message.entries.map(({ record }) => readEntry(record)) };
}
