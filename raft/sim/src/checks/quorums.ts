/**
 * Checks that quorums decide: a majority of the voters in force, and in a joint configuration also a majority of the
 * outgoing voters (Raft 6). Counts independently of the leader, by what is on the disks.
 */
import {
  EMPTY_MEMBERSHIP,
  describeMembership,
  type Membership,
  type Entry,
  type LogIndex,
  type NodeId,
  type Term,
  type LogView,
} from '@trireme/raft';
import { decodeMembership } from '../internals.js';
import { TERMS_MAX, type DiskView, type ReportViolation } from './views.js';

interface LoggedConfiguration {
  readonly index: LogIndex;
  readonly membership: Membership;
}

interface GroupView {
  /** The initial configuration of the group. */
  readonly initial: Membership;
  readonly ids: readonly NodeId[];
  diskOf(id: NodeId): DiskView;
}

/** Whether the members for which `holds` is true are a quorum. */
export function isQuorum({ voters, outgoing }: Membership, holds: (id: NodeId) => boolean): boolean {
  const isMajority = (ids: readonly NodeId[]): boolean => 2 * ids.filter(holds).length > ids.length;
  return isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing));
}

export class QuorumChecker {
  readonly #violated: ReportViolation;
  readonly #group: GroupView;
  /** Committed configurations, in log order. */
  readonly #committed: LoggedConfiguration[] = [];
  /** Configurations in any log that are not committed, by index and term. */
  readonly #logged = new Map<number, LoggedConfiguration>();

  constructor(violated: ReportViolation, group: GroupView) {
    this.#violated = violated;
    this.#group = group;
  }

  /** Number of committed membership changes. */
  get changes(): number {
    return this.#committed.length;
  }

  /** The last committed configuration. */
  get latest(): Membership {
    return this.#committed.at(-1)?.membership ?? this.#group.initial;
  }

  /** Every configuration that any member may use, now or later. Faults must leave a quorum in each of them. */
  inUse(applied: Iterable<LogIndex>): readonly Membership[] {
    const logged = [...this.#logged.values()].map(({ membership }) => membership);
    const inForce = [...applied].map((index) => this.#at(index)?.membership ?? this.#group.initial);
    return [...new Set([this.latest, ...inForce, ...logged])];
  }

  /** A log has an entry that no log had before. */
  onEntryLogged(entry: Entry): void {
    if (entry.kind !== 'membership') return;
    const { index, term, data } = entry;
    this.#logged.set(index * TERMS_MAX + term, { index, membership: decodeMembership(data) });
  }

  /** An entry is known to be committed. */
  onCommitted(index: LogIndex, term: Term): void {
    if (this.#logged.size === 0) return;
    const placed = this.#logged.get(index * TERMS_MAX + term);
    if (placed !== undefined) {
      this.#checkNeighbours(this.latest, placed.membership);
      this.#committed.push(placed);
    }
    for (const [key, one] of this.#logged) if (one.index <= index) this.#logged.delete(key);
  }

  /** Each quorum of a configuration must have a member in common with each quorum of the next one. */
  #checkNeighbours(before: Membership, after: Membership): void {
    const { ids } = this.#group;
    for (let some = 0; some < 2 ** ids.length; some += 1) {
      const isIn = (id: NodeId): boolean => (some & (1 << ids.indexOf(id))) !== 0;
      if (!isQuorum(before, isIn) || !isQuorum(after, (id) => !isIn(id))) continue;
      const what = `after ${describeMembership(before)} comes ${describeMembership(after)}`;
      this.#violated('quorums intersect', what);
      return;
    }
  }

  /** `id` is the first to know that entries up to `index` are committed. They must be on the disks of a quorum. */
  checkCommit(id: NodeId, log: LogView, index: LogIndex, term: Term): void {
    const membership = this.#inForceAt(id, log.applied);
    const holds = (member: NodeId): boolean => {
      const disk = this.#group.diskOf(member);
      return disk.base.index >= index || (disk.lastIndex >= index && disk.term(index) === term);
    };
    if (isQuorum(membership, holds)) return;
    const holders = this.#group.ids.filter(holds).join(' ');
    const what = `${id} commits ${index}, which is on the disks of ${holders}, in ${describeMembership(membership)}`;
    this.#violated('commit by a quorum', what);
  }

  /** `id` leads `term`. A quorum must have voted for it. */
  checkElection(id: NodeId, log: LogView, term: Term, voteOf: (voter: NodeId) => NodeId | undefined): void {
    const membership = this.#inForceAt(id, log.applied);
    const isFor = (voter: NodeId): boolean => voter === id || voteOf(voter) === id;
    if (isQuorum(membership, isFor)) return;
    const voters = this.#group.ids.filter(isFor).join(' ');
    const what = `${id} leads term ${term} with votes of ${voters}, in ${describeMembership(membership)}`;
    this.#violated('elected by a quorum', what);
  }

  /** `id` uses `membership`, and has applied the log up to `applied`. */
  checkInForce(id: NodeId, membership: Membership, applied: LogIndex): void {
    const expected = this.#inForceAt(id, applied);
    const [is, should] = [describeMembership(membership), describeMembership(expected)];
    if (is === should) return;
    this.#violated('configuration in force', `${id} uses "${is}" at ${applied} instead of "${should}"`);
  }

  #inForceAt(id: NodeId, applied: LogIndex): Membership {
    const placed = this.#at(applied);
    if (placed !== undefined) return placed.membership;
    return this.#group.initial.voters.includes(id) ? this.#group.initial : EMPTY_MEMBERSHIP;
  }

  #at(applied: LogIndex): LoggedConfiguration | undefined {
    return this.#committed.findLast(({ index }) => index <= applied);
  }
}
