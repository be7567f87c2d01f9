/**
 * The log as the core sees it: what is on disk, then what is not there yet.
 *
 *     base | base+1 ... applied ..... commit ....... offset-1 | offset ........ last
 *          |<------------ on disk, behind the LogReader ---->|<-- unstable, here ->|
 *
 * What is up to the base is compacted: it is applied, and no one asks for it here any more.
 * `commit` may run ahead of the disk on a follower; what is handed out to be applied never does, so that a restarted
 * member always finds its applied index within its log.
 */
import { invariant } from './errors.js';
import { MembershipLog } from './membership-log.js';
import { NO_MEMBERS, type Membership } from './membership.js';
import type { Entry, LogBase, LogIndex, LogReader, Term } from './types.js';

/** Where a log begins that was never compacted. */
export const NO_BASE: LogBase = { index: 0, term: 0, membership: NO_MEMBERS };

export class RaftLog {
  readonly #reader: LogReader;
  /** Entries from `#offset` on that no finished persist covers. */
  #unstable: Entry[] = [];
  #offset: LogIndex;
  #commit: LogIndex;
  #applying: LogIndex;
  #applied: LogIndex;
  /** A snapshot's base from when it is taken until the disk has it: the log begins there already. */
  #installing: { readonly base: LogBase; isHandedOut: boolean } | null = null;
  /** The configurations that the log names. */
  readonly memberships: MembershipLog;

  /** @param initial the configuration that is in force while the log names none */
  constructor(reader: LogReader, applied: LogIndex, initial: Membership) {
    invariant(
      applied >= reader.base().index,
      `applied ${applied} is below the log's base ${reader.base().index}`,
    );
    invariant(
      applied <= reader.lastIndex(),
      `applied ${applied} is beyond the log's end ${reader.lastIndex()}`,
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

  /** What a log that begins behind `index`, which is applied, has to know of what is before it. */
  baseAt(index: LogIndex): LogBase {
    invariant(index <= this.#applied, `base at ${index}, applied up to ${this.#applied}`);
    return { index, term: this.term(index), membership: this.memberships.at(index) };
  }

  get lastIndex(): LogIndex {
    return this.#offset + this.#unstable.length - 1;
  }

  get lastTerm(): Term {
    return this.term(this.lastIndex);
  }

  /** Everything up to here is on this member's disk and still part of its log. */
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
    invariant(entry !== undefined, `term of index ${index} beyond the log's end ${this.lastIndex}`);
    return entry.term;
  }

  /** Whether the log has an entry of `term` at `index`. */
  matches(index: LogIndex, term: Term): boolean {
    return index <= this.lastIndex && this.term(index) === term;
  }

  /** Whether a candidate whose log ends at (`index`, `term`) is at least as up to date as this member (Raft 5.4.1). */
  isUpToDate(index: LogIndex, term: Term): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);
  }

  /** Entries from `low` to `high` inclusive, cut once their records exceed `bytesMax`, but at least one. */
  entries(low: LogIndex, high: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(
      low > this.base.index && low <= high && high <= this.lastIndex,
      `entries ${low} to ${high} of ${this.base.index + 1} to ${this.lastIndex}`,
    );
    if (low < this.#offset) {
      // The answer may stop at the border between disk and memory; whoever needs more asks again.
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

  /** Appends a leader's own entries behind the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.lastIndex + 1, `append of ${entry.index} behind ${this.lastIndex}`);
      this.#unstable.push(entry);
      this.memberships.appended(entry);
    }
    this.commitTo(this.memberships.impliedCommit);
  }

  /**
   * Takes a leader's entries that follow an agreed (index, term): keeps what agrees already, drops everything from
   * the first conflict on, appends the rest (Raft 5.3). Never touches what is committed. What is compacted agrees: it
   * was committed.
   */
  merge(entries: readonly Entry[]): void {
    const { index: base } = this.base;
    const firstNew = entries.findIndex(({ index, term }) => index > base && !this.matches(index, term));
    if (firstNew === -1) return;
    const rest = entries.slice(firstNew);
    const conflict = entries[firstNew]?.index ?? 0;
    invariant(conflict > this.#commit, `conflict at ${conflict}, committed up to ${this.#commit}`);
    if (conflict <= this.lastIndex) this.#truncateFrom(conflict);
    this.append(rest);
  }

  #truncateFrom(index: LogIndex): void {
    this.memberships.truncatedFrom(index);
    if (index >= this.#offset) {
      this.#unstable.length = index - this.#offset;
      return;
    }
    // What the disk holds from here on is void: the next persist begins at this index and replaces it.
    this.#unstable = [];
    this.#offset = index;
  }

  /**
   * A persist of `entries` has finished. Only what is still part of the log has become stable: entries that were
   * replaced while the disk was busy are other objects now, and stay unstable.
   */
  persisted(entries: readonly Entry[]): void {
    let count = 0;
    while (count < entries.length && entries[count] === this.#unstable[count]) count += 1;
    this.#unstable.splice(0, count);
    this.#offset += count;
  }

  /**
   * Takes the base of a snapshot, which is committed. Where the log has that entry it stays as it is and catches up by
   * itself (Raft 7: "retain log entries following it"), as it does where it is further already. Else all of it gives way.
   * Returns whether the snapshot is to be installed.
   */
  restore(base: LogBase): boolean {
    if (base.index <= this.#commit || this.#installing !== null) return false;
    if (this.matches(base.index, base.term)) {
      this.commitTo(base.index);
      return false;
    }
    this.#installing = { base, isHandedOut: false };
    this.#unstable = [];
    this.#offset = base.index + 1;
    this.#commit = base.index;
    this.memberships.restored(base);
    return true;
  }

  /** The base of a snapshot that is to be installed, once. */
  takeBase(): LogBase | null {
    if (this.#installing === null || this.#installing.isHandedOut) return null;
    this.#installing.isHandedOut = true;
    return this.#installing.base;
  }

  /** The snapshot that was handed out is the state machine now, and its base stands on disk. */
  installed(): void {
    invariant(this.#installing?.isHandedOut === true, 'no snapshot is being installed');
    this.#applied = this.#installing.base.index;
    this.#applying = this.#applied;
    this.#installing = null;
    this.memberships.appliedTo(this.#applied);
  }

  /** Raises the commit index; it never falls. */
  commitTo(index: LogIndex): void {
    if (index <= this.#commit) return;
    invariant(index <= this.lastIndex, `commit ${index} beyond the log's end ${this.lastIndex}`);
    this.#commit = index;
  }

  /** Learns from another member that (`index`, `term`) is committed, and everything before it, if the log has it. */
  commitKnown(index: LogIndex, term: Term): void {
    if (index > this.#commit && this.matches(index, term)) this.commitTo(index);
  }

  /** The next committed and durable entries to apply; empty while the last ones, or a snapshot, are under way. */
  takeCommitted(bytesMax: number): readonly Entry[] {
    if (this.#installing !== null) return [];
    const high = Math.min(this.#commit, this.stableIndex);
    if (this.#applying !== this.#applied || high <= this.#applied) return [];
    const entries = this.entries(this.#applied + 1, high, bytesMax);
    this.#applying = entries.at(-1)?.index ?? this.#applied;
    return entries;
  }

  /** Returns whether another configuration is in force now. */
  appliedTo(index: LogIndex): boolean {
    invariant(index === this.#applying, `applied ${index}, handed out up to ${this.#applying}`);
    this.#applied = index;
    return this.memberships.appliedTo(index);
  }

  /**
   * The last index at or before `index` whose term is not above `term`: where two logs could still agree. With it a
   * probe skips a whole term in one round trip. A search by halves, as terms never fall along a log. An index below the
   * base says that they agree nowhere in what this log still has.
   */
  lastAgreeable(index: LogIndex, term: Term): LogIndex {
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
