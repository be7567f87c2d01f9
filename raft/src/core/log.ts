/**
 * The core's view of the log: the entries on disk, followed by those in memory only.
 *
 *     base | base+1 ... applied ..... commit ....... offset-1 | offset ........ last
 *          |<------ on disk, read through LogReader -------->|<- unstable, memory ->|
 *
 * Entries up to the base are compacted and applied; the core does not read them any more. On a follower
 * `commit` may be ahead of the disk. Entries are handed out to be applied only when they are on disk, so that a
 * restarted member always finds its applied index in its log.
 */
import { invariant } from './errors.js';
import { MembershipLog } from './membership-log.js';
import { EMPTY_MEMBERSHIP, type Membership } from './membership.js';
import type { Entry, LogBase, LogIndex, LogReader, LogView, Term } from './types.js';

/** The base of a log that was never compacted. */
export const NO_BASE: LogBase = { index: 0, term: 0, membership: EMPTY_MEMBERSHIP };

export class RaftLog implements LogView {
  readonly #reader: LogReader;
  /** Entries from index `#offset` on that are not persisted yet. */
  #unstable: Entry[] = [];
  #offset: LogIndex;
  #commit: LogIndex;
  #applying: LogIndex;
  #applied: LogIndex;
  /** The base of an accepted snapshot until it is on disk; the log starts there already. */
  #installing: { readonly base: LogBase; isHandedOut: boolean } | null = null;
  /** The configurations in the log. */
  readonly memberships: MembershipLog;

  /** @param initial the configuration in force while the log contains none */
  constructor(reader: LogReader, applied: LogIndex, initial: Membership) {
    invariant(
      applied >= reader.base().index,
      `log starts after ${reader.base().index}, but the state machine has applied only ${applied}: it has lost data`,
    );
    invariant(
      applied <= reader.lastIndex(),
      `log ends at ${reader.lastIndex()}, but the state machine has applied ${applied}: the log has lost entries`,
    );
    this.#reader = reader;
    this.#offset = reader.lastIndex() + 1;
    this.memberships = new MembershipLog(reader, applied, initial);
    this.#commit = Math.max(applied, this.memberships.impliedCommit);
    this.#applying = applied;
    this.#applied = applied;
  }

  get base(): LogBase {
    return this.#installing?.base ?? this.#reader.base();
  }

  /** The base of this log if it were compacted up to `index`, which must be applied. */
  baseAt(index: LogIndex): LogBase {
    invariant(index <= this.#applied, `cannot compact up to ${index}: applied only up to ${this.#applied}`);
    return { index, term: this.term(index), membership: this.memberships.at(index) };
  }

  get lastIndex(): LogIndex {
    return this.#offset + this.#unstable.length - 1;
  }

  get lastTerm(): Term {
    return this.term(this.lastIndex);
  }

  /** Entries up to this index are on this member's disk and still part of its log. */
  get stableIndex(): LogIndex {
    return this.#offset - 1;
  }

  get commit(): LogIndex {
    return this.#commit;
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  get unstable(): readonly Entry[] {
    return this.#unstable;
  }

  /** Term at `index`, from the base to `lastIndex`. */
  term(index: LogIndex): Term {
    if (index === this.#installing?.base.index) return this.#installing.base.term;
    if (index < this.#offset) return this.#reader.term(index);
    const entry = this.#unstable[index - this.#offset];
    invariant(entry !== undefined, `no term for index ${index}: the log ends at ${this.lastIndex}`);
    return entry.term;
  }

  /** Whether the log has an entry of `term` at `index`. */
  matches(index: LogIndex, term: Term): boolean {
    return index <= this.lastIndex && this.term(index) === term;
  }

  /** Whether a log that ends at (`index`, `term`) is at least as up-to-date as this one (Raft 5.4.1). */
  isUpToDate(index: LogIndex, term: Term): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);
  }

  /** Entries from `low` to `high` inclusive, cut off once their records exceed `bytesMax`, but at least one. */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(
      low > this.base.index && low <= high && high <= this.lastIndex,
      `no entries ${low} to ${high}: the log has ${this.base.index + 1} to ${this.lastIndex}`,
    );
    if (low < this.#offset) {
      // The result may end at the last entry on disk; callers that need more call again.
      return this.#reader.entries(low, Math.min(high, this.#offset - 1), bytesMax);
    }
    const first = low - this.#offset;
    let end = first;
    let bytes = 0;
    for (; end <= high - this.#offset; end += 1) {
      bytes += this.#unstable[end]?.record.byteLength ?? 0;
      if (bytes > bytesMax && end > first) break;
    }
    return this.#unstable.slice(first, end);
  }

  /** Appends entries after the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(
        entry.index === this.lastIndex + 1,
        `cannot append entry ${entry.index}: the log ends at ${this.lastIndex}`,
      );
      this.#unstable.push(entry);
      this.memberships.onAppend(entry);
    }
    this.commitTo(this.memberships.impliedCommit);
  }

  /**
   * Merges a leader's entries, which follow an entry that matches: keeps matching entries, drops all from the
   * first conflict on, appends the new ones (Raft 5.3). Never changes committed entries. Compacted entries
   * match, because they were committed.
   */
  merge(entries: readonly Entry[]): void {
    const { index: base } = this.base;
    const firstNew = entries.findIndex(({ index, term }) => index > base && !this.matches(index, term));
    if (firstNew === -1) return;
    const added = entries.slice(firstNew);
    const conflict = entries[firstNew]?.index ?? 0;
    invariant(
      conflict > this.#commit,
      `entry ${conflict} of the leader differs from this log, which is committed up to ${this.#commit}`,
    );
    if (conflict <= this.lastIndex) this.#truncateFrom(conflict);
    this.append(added);
  }

  #truncateFrom(index: LogIndex): void {
    this.memberships.onTruncate(index);
    if (index >= this.#offset) {
      this.#unstable.length = index - this.#offset;
      return;
    }
    // Entries on disk from here on are void: the next persist starts at this index and replaces them.
    this.#unstable = [];
    this.#offset = index;
  }

  /**
   * A persist of `entries` has finished. Only those that are still part of the log become stable. Entries that were
   * replaced during the write are different objects and stay unstable.
   */
  onPersisted(entries: readonly Entry[]): void {
    let count = 0;
    while (count < entries.length && entries[count] === this.#unstable[count]) count += 1;
    this.#unstable.splice(0, count);
    this.#offset += count;
  }

  /**
   * Handles the base of a received snapshot and returns whether to install the snapshot. If the log has the
   * base's entry, it only raises the commit index and keeps all entries (Raft 7: "retain log entries following
   * it"). If the commit index is already as high, nothing changes. Otherwise the snapshot replaces the whole
   * log.
   */
  handleSnapshot(base: LogBase): boolean {
    if (base.index <= this.#commit || this.#installing !== null) return false;
    if (this.matches(base.index, base.term)) {
      this.commitTo(base.index);
      return false;
    }
    this.#installing = { base, isHandedOut: false };
    this.#unstable = [];
    this.#offset = base.index + 1;
    this.#commit = base.index;
    this.memberships.onSnapshot(base);
    return true;
  }

  /** The base of the snapshot to install, once; null if there is none. */
  takeSnapshotBase(): LogBase | null {
    if (this.#installing === null || this.#installing.isHandedOut) return null;
    this.#installing.isHandedOut = true;
    return this.#installing.base;
  }

  /** The snapshot that was handed out is installed: it is the state of the machine, and its base is on disk. */
  onSnapshotInstalled(): void {
    invariant(this.#installing?.isHandedOut === true, 'no snapshot is being installed');
    this.#applied = this.#installing.base.index;
    this.#applying = this.#applied;
    this.#installing = null;
    this.memberships.onApplied(this.#applied);
  }

  /** Raises the commit index to `index`; a lower index changes nothing. */
  commitTo(index: LogIndex): void {
    if (index <= this.#commit) return;
    invariant(index <= this.lastIndex, `cannot commit ${index}: the log ends at ${this.lastIndex}`);
    this.#commit = index;
  }

  /** Learns that entries up to (`index`, `term`) are committed; no effect if the log lacks that entry. */
  learnCommit(index: LogIndex, term: Term): void {
    if (index > this.#commit && this.matches(index, term)) this.commitTo(index);
  }

  /** The next committed and durable entries; empty while earlier ones are applied or a snapshot is installed. */
  takeEntriesToApply(bytesMax: number): readonly Entry[] {
    if (this.#installing !== null) return [];
    const high = Math.min(this.#commit, this.stableIndex);
    if (this.#applying !== this.#applied || high <= this.#applied) return [];
    const entries = this.entries(this.#applied + 1, high, bytesMax);
    this.#applying = entries.at(-1)?.index ?? this.#applied;
    return entries;
  }

  /** Entries up to `index` are applied. Returns whether the configuration in force has changed. */
  onApplied(index: LogIndex): boolean {
    invariant(
      index === this.#applying,
      `applied up to ${index}, but entries were handed out up to ${this.#applying}`,
    );
    this.#applied = index;
    return this.memberships.onApplied(index);
  }

  /**
   * The last index at or before `index` whose term is at most `term`: the last one at which the logs of leader
   * and follower could match. With it a probe skips a whole term in one round trip. Terms never decrease along
   * a log, so this is a binary search. A result below the base means that the logs match at no index of this
   * log.
   */
  findConflictByTerm(index: LogIndex, term: Term): LogIndex {
    const { base } = this;
    if (index < base.index || base.term > term) return Math.min(index, base.index - 1);
    let low = base.index;
    let high = Math.min(index, this.lastIndex);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.term(middle) <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
