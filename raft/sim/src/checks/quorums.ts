/**
 * Who decides, and whether they did: a majority of the voters in force, and while a configuration is joint one of the
 * outgoing voters as well (Raft 6), counted here anew and by the disks, not by what a leader believes.
 */
import { decodeMembership } from '#raft/core/membership-codec.js';
import { NO_MEMBERS, describeMembership, type Membership } from '#raft/core/membership.js';
import type { Entry, LogIndex, NodeId, Term } from '#raft/core/types.js';
import type { LogView } from '#raft/options.js';
import { TERMS_MAX, type DiskView, type Violated } from './views.js';

interface Placed {
  readonly index: LogIndex;
  readonly membership: Membership;
}

interface GroupView {
  /** The configuration that the group begins with. */
  readonly initial: Membership;
  readonly ids: readonly NodeId[];
  diskOf(id: NodeId): DiskView;
}

/** Whether those for whom `holds` is true can decide. */
export function decides({ voters, outgoing }: Membership, holds: (id: NodeId) => boolean): boolean {
  const isMajority = (ids: readonly NodeId[]): boolean => 2 * ids.filter(holds).length > ids.length;
  return isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing));
}

export class Quorums {
  readonly #violated: Violated;
  readonly #group: GroupView;
  /** Configurations that are committed, by index. */
  readonly #committed: Placed[] = [];
  /** Configurations that some log had, by their place, until they are committed. */
  readonly #logged = new Map<number, Placed>();

  constructor(violated: Violated, group: GroupView) {
    this.#violated = violated;
    this.#group = group;
  }

  /** Changes of the membership that were committed. */
  get changes(): number {
    return this.#committed.length;
  }

  /** The last configuration that is committed. */
  get latest(): Membership {
    return this.#committed.at(-1)?.membership ?? this.#group.initial;
  }

  /** Every configuration that someone may go by, now or later: who is to be broken must be dispensable in each. */
  inUse(applied: Iterable<LogIndex>): readonly Membership[] {
    const logged = [...this.#logged.values()].map(({ membership }) => membership);
    const inForce = [...applied].map((index) => this.#at(index)?.membership ?? this.#group.initial);
    return [...new Set([this.latest, ...inForce, ...logged])];
  }

  /** A log has an entry that none had before. */
  placed(entry: Entry): void {
    if (entry.kind !== 'membership') return;
    const { index, term, data } = entry;
    this.#logged.set(index * TERMS_MAX + term, { index, membership: decodeMembership(data) });
  }

  /** An entry is known to be committed. */
  committed(index: LogIndex, term: Term): void {
    if (this.#logged.size === 0) return;
    const placed = this.#logged.get(index * TERMS_MAX + term);
    if (placed !== undefined) {
      this.#checkNeighbours(this.latest, placed.membership);
      this.#committed.push(placed);
    }
    for (const [key, one] of this.#logged) if (one.index <= index) this.#logged.delete(key);
  }

  /** Two groups that can both decide, by this configuration and by the next, must have a member in common. */
  #checkNeighbours(before: Membership, after: Membership): void {
    const { ids } = this.#group;
    for (let some = 0; some < 2 ** ids.length; some += 1) {
      const isIn = (id: NodeId): boolean => (some & (1 << ids.indexOf(id))) !== 0;
      if (!decides(before, isIn) || !decides(after, (id) => !isIn(id))) continue;
      const what = `after ${describeMembership(before)} comes ${describeMembership(after)}`;
      this.#violated('no two quorums apart', what);
      return;
    }
  }

  /** `id` knows, as the first, that all up to `index` is committed: it must be on enough disks. */
  checkCommit(id: NodeId, log: LogView, index: LogIndex, term: Term): void {
    const membership = this.#inForceAt(id, log.applied);
    const holds = (member: NodeId): boolean => {
      const disk = this.#group.diskOf(member);
      return disk.base.index >= index || (disk.lastIndex >= index && disk.term(index) === term);
    };
    if (decides(membership, holds)) return;
    const holders = this.#group.ids.filter(holds).join(' ');
    const what = `${id} commits ${index}, on the disks of ${holders}, in ${describeMembership(membership)}`;
    this.#violated('commit by a quorum', what);
  }

  /** `id` leads `term`: enough members must have voted for it. */
  checkElection(id: NodeId, log: LogView, term: Term, voteOf: (voter: NodeId) => NodeId | undefined): void {
    const membership = this.#inForceAt(id, log.applied);
    const isFor = (voter: NodeId): boolean => voter === id || voteOf(voter) === id;
    if (decides(membership, isFor)) return;
    const voters = this.#group.ids.filter(isFor).join(' ');
    const what = `${id} leads ${term} by ${voters}, in ${describeMembership(membership)}`;
    this.#violated('elected by a quorum', what);
  }

  /** `id` says that `membership` is in force, as it has applied the log up to `applied`. */
  checkInForce(id: NodeId, membership: Membership, applied: LogIndex): void {
    const expected = this.#inForceAt(id, applied);
    const [is, should] = [describeMembership(membership), describeMembership(expected)];
    if (is === should) return;
    this.#violated('configuration in force', `${id} at ${applied} goes by "${is}", not by "${should}"`);
  }

  #inForceAt(id: NodeId, applied: LogIndex): Membership {
    const placed = this.#at(applied);
    if (placed !== undefined) return placed.membership;
    return this.#group.initial.voters.includes(id) ? this.#group.initial : NO_MEMBERS;
  }

  #at(applied: LogIndex): Placed | undefined {
    return this.#committed.findLast(({ index }) => index <= applied);
  }
}
