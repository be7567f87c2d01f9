/**
 * Which configuration is in force, and which ones the log holds beyond it.
 *
 * A configuration takes effect when its entry is applied, as etcd has it, not when it is appended, as the paper has it
 * (Raft 6). So members may go by different ones for a while. That is safe as long as those that can be in use at a time
 * are neighbours, because the quorums of neighbours share a voter:
 *
 *  - A leader logs a change only when it has applied every one before it (Leadership). So when a log holds two, the
 *    earlier one is committed: it is taken as such here, after a restart too, though no commit index is on disk.
 *  - No one campaigns while a change is committed here and not applied (RaftCore). With the point above, a candidate goes
 *    by the last configuration of its log or by the one before.
 *  - Say one candidate goes by C1 and another, in the same term, by C3 or later. C3 is committed then, by a leader that
 *    went by C2, so a quorum of C2 has it on disk. The first candidate's quorum is of C1 and shares a voter with that
 *    one, which has a log further than the candidate's, or had entered a later term when it took C3 (Raft 5.4).
 */
import { invariant } from './errors.js';
import { decodeMembership } from './membership-codec.js';
import { membersOf, type Membership } from './membership.js';
import type { Entry, LogBase, LogIndex, LogReader, MembershipView, NodeId } from './types.js';

interface Placed {
  readonly index: LogIndex;
  readonly membership: Membership;
}

export class MembershipLog {
  readonly #reader: LogReader;
  readonly #initial: Membership;
  #inForce: Placed;
  /** Logged and not applied, oldest first: two at most, as the earlier one is committed by then. */
  #later: Placed[] = [];
  #isNews = true;

  /** Reads what the log on disk says; where it has nothing up to `applied`, `initial` is in force. */
  constructor(reader: LogReader, applied: LogIndex, initial: Membership) {
    this.#reader = reader;
    this.#initial = initial;
    let entry = reader.lastMembership(reader.lastIndex());
    for (; entry !== null && entry.index > applied; entry = reader.lastMembership(entry.index - 1)) {
      this.#later.unshift(placed(entry));
    }
    this.#inForce = this.#lastOf(entry);
  }

  /** The configuration as of `index`, which is applied, on disk, and not below the log's base. */
  at(index: LogIndex): Membership {
    return this.#lastOf(this.#reader.lastMembership(index)).membership;
  }

  /** What is in force where `entry` is the last one that the log has: without one, what its base says. */
  #lastOf(entry: Entry | null): Placed {
    if (entry !== null) return placed(entry);
    const { index, membership } = this.#reader.base();
    return isEmpty(membership) ? { index: 0, membership: this.#initial } : { index, membership };
  }

  get inForce(): Membership {
    return this.#inForce.membership;
  }

  /**
   * A place in the log from which on it is in force, and before any later one: the entry's, or that of the base that
   * took its place. So the one of two configurations that has the higher index is the later one, on whichever member.
   */
  get inForceIndex(): LogIndex {
    return this.#inForce.index;
  }

  /** Whether the log has a change that is not applied. */
  get hasUnapplied(): boolean {
    return this.#later.length > 0;
  }

  /** Whether a change up to `commit` is not applied. */
  hasCommittedUnapplied(commit: LogIndex): boolean {
    return (this.#later[0]?.index ?? Infinity) <= commit;
  }

  /** The last change that a later one in the log shows to be committed; 0 if there is none. */
  get impliedCommit(): LogIndex {
    return this.#later.at(-2)?.index ?? 0;
  }

  appended(entry: Entry): void {
    if (entry.kind !== 'membership') return;
    this.#later.push(placed(entry));
    this.#isNews = true;
  }

  /** Entries from `index` on are no part of the log any more. */
  truncatedFrom(index: LogIndex): void {
    invariant(index > this.#inForce.index, `the configuration at ${this.#inForce.index} is in force`);
    const kept = this.#later.filter((one) => one.index < index);
    this.#isNews ||= kept.length < this.#later.length;
    this.#later = kept;
  }

  /** A snapshot takes the place of the log up to its base; it is applied once it is installed. */
  restored({ index, membership }: LogBase): void {
    this.#later = isEmpty(membership) ? [] : [{ index, membership }];
    this.#isNews = true;
  }

  /** Everything up to `index` is applied. Returns whether another configuration is in force now. */
  appliedTo(index: LogIndex): boolean {
    const before = this.#inForce;
    for (let next = this.#later[0]; next !== undefined && next.index <= index; next = this.#later[0]) {
      this.#inForce = next;
      this.#later.shift();
    }
    const isOther = this.#inForce !== before;
    this.#isNews ||= isOther;
    return isOther;
  }

  /** What is known now if it is news, each time once; the first time after a start it always is. */
  takeNews(): MembershipView | null {
    if (!this.#isNews) return null;
    this.#isNews = false;
    const peers = new Map<NodeId, string>();
    for (const { membership } of [this.#inForce, ...this.#later]) {
      for (const id of membersOf(membership)) peers.set(id, membership.addresses.get(id) ?? '');
    }
    return { inForce: this.#inForce.membership, peers };
  }
}

function isEmpty({ voters }: Membership): boolean {
  return voters.length === 0;
}

function placed({ index, data }: Entry): Placed {
  return { index, membership: decodeMembership(data) };
}
