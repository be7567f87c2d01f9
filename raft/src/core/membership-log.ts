/**
 * The configuration in force, and the later configurations in the log.
 *
 * A configuration takes effect when its entry is applied, as in etcd, not when it is appended, as in the paper
 * (Raft 6). So members may use different configurations for a while. This is safe if the configurations in use
 * at the same time are consecutive, because quorums of consecutive configurations share a voter:
 *
 *  - A leader logs a change only after it has applied all earlier ones (Leadership). So if a log contains two
 *    unapplied changes, the earlier one is committed. It counts as committed here, even after a restart without
 *    a commit index.
 *  - No member campaigns while it has a committed, unapplied change (ElectionResult). So a candidate uses the last
 *    configuration of its log or the one before it.
 *  - Suppose one candidate uses C1 and another, in the same term, uses C3 or a later one. Then C3 was committed
 *    by a leader that used C2, so a quorum of C2 has it on disk. The first candidate's quorum is one of C1 and
 *    shares a voter with that quorum. This voter has a more up-to-date log than the candidate, or it entered a
 *    later term when it received C3 (Raft 5.4).
 */
import { invariant } from './errors.js';
import { decodeMembership } from './membership-codec.js';
import { membersOf, type Membership } from './membership.js';
import type { Entry, LogBase, LogIndex, LogReader, MembershipView, NodeId } from './types.js';

interface IndexedMembership {
  readonly index: LogIndex;
  readonly membership: Membership;
}

export class MembershipLog {
  readonly #reader: LogReader;
  readonly #initial: Membership;
  #inForce: IndexedMembership;
  /** Logged but not applied configurations, oldest first: at most two, and then the earlier one is committed. */
  #unapplied: IndexedMembership[] = [];
  #hasChanged = true;

  /** Reads the configurations of the log on disk; if it has none up to `applied`, `initial` is in force. */
  constructor(reader: LogReader, applied: LogIndex, initial: Membership) {
    this.#reader = reader;
    this.#initial = initial;
    let entry = reader.lastMembership(reader.lastIndex());
    for (; entry !== null && entry.index > applied; entry = reader.lastMembership(entry.index - 1)) {
      this.#unapplied.unshift(decode(entry));
    }
    this.#inForce = this.#membershipOf(entry);
  }

  /** The configuration as of `index`, which must be applied, on disk, and not below the log's base. */
  at(index: LogIndex): Membership {
    return this.#membershipOf(this.#reader.lastMembership(index)).membership;
  }

  /** The configuration of the last membership entry; without one, that of the log's base, or the initial one. */
  #membershipOf(entry: Entry | null): IndexedMembership {
    if (entry !== null) return decode(entry);
    const { index, membership } = this.#reader.base();
    return isEmpty(membership) ? { index: 0, membership: this.#initial } : { index, membership };
  }

  get current(): Membership {
    return this.#inForce.membership;
  }

  /**
   * The index of the entry of the configuration in force, or of the base that replaced this entry. Of two
   * configurations, the one with the higher index is the later one, on all members.
   */
  get currentIndex(): LogIndex {
    return this.#inForce.index;
  }

  /** Whether the log has an unapplied change. */
  get hasUnapplied(): boolean {
    return this.#unapplied.length > 0;
  }

  /** Whether the log has an unapplied change at or before `commit`. */
  hasCommittedUnapplied(commit: LogIndex): boolean {
    return (this.#unapplied[0]?.index ?? Infinity) <= commit;
  }

  /** Index of the last change that must be committed because a later change follows it; 0 if there is none. */
  get impliedCommit(): LogIndex {
    return this.#unapplied.at(-2)?.index ?? 0;
  }

  onAppend(entry: Entry): void {
    if (entry.kind !== 'membership') return;
    this.#unapplied.push(decode(entry));
    this.#hasChanged = true;
  }

  /** Entries from `index` on were removed from the log. */
  onTruncate(index: LogIndex): void {
    invariant(
      index > this.#inForce.index,
      `cannot truncate the log from ${index}: the configuration in force is at ${this.#inForce.index}`,
    );
    const kept = this.#unapplied.filter((one) => one.index < index);
    this.#hasChanged ||= kept.length < this.#unapplied.length;
    this.#unapplied = kept;
  }

  /** A snapshot replaces the log up to its base; its configuration counts as unapplied until it is installed. */
  onSnapshot({ index, membership }: LogBase): void {
    this.#unapplied = isEmpty(membership) ? [] : [{ index, membership }];
    this.#hasChanged = true;
  }

  /** Entries up to `index` are applied. Returns whether the configuration in force has changed. */
  onApplied(index: LogIndex): boolean {
    const before = this.#inForce;
    for (
      let next = this.#unapplied[0];
      next !== undefined && next.index <= index;
      next = this.#unapplied[0]
    ) {
      this.#inForce = next;
      this.#unapplied.shift();
    }
    const isOther = this.#inForce !== before;
    this.#hasChanged ||= isOther;
    return isOther;
  }

  /** The known configurations if they have changed since the last call, else null. The first call returns them. */
  takeChange(): MembershipView | null {
    if (!this.#hasChanged) return null;
    this.#hasChanged = false;
    const peers = new Map<NodeId, string>();
    for (const { membership } of [this.#inForce, ...this.#unapplied]) {
      for (const id of membersOf(membership)) peers.set(id, membership.addresses.get(id) ?? '');
    }
    return { current: this.#inForce.membership, peers };
  }
}

function isEmpty({ voters }: Membership): boolean {
  return voters.length === 0;
}

function decode({ index, data }: Entry): IndexedMembership {
  return { index, membership: decodeMembership(data) };
}
