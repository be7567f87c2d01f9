/**
 * Checks the safety properties of a cluster (Raft, figure 3) against its whole history. Each check throws if a
 * property is violated.
 */
import { invariant } from '../errors.js';
import { decodeMembership } from '../membership-codec.js';
import { describeMembership, type Membership } from '../membership.js';
import { isQuorum } from '../quorum.js';
import type { Entry, LogIndex, Message, NodeId, Term } from '../types.js';
import type { TestMember } from './test-member.js';

interface LastState {
  readonly term: Term;
  readonly commit: LogIndex;
}

export class InvariantChecker {
  readonly #members: readonly TestMember[];
  readonly #leaders = new Map<Term, NodeId>();
  /** Every (index, term) that some log has contained, with its entry and the term before it. */
  readonly #entries = new Map<string, { readonly before: Term; readonly entry: Entry }>();
  /** The entries that some member knew to be committed. */
  readonly #committed: Entry[] = [];
  readonly #lastStates = new Map<NodeId, LastState>();
  /** For each read: the highest index that was committed on any member when the read was requested. */
  readonly #readFloors = new Map<number, LogIndex>();

  /** The configurations that were committed, oldest first. */
  readonly #configurations: Membership[];

  constructor(members: readonly TestMember[], initial: Membership) {
    this.#members = members;
    this.#configurations = [initial];
  }

  /** Number of configurations committed after the initial one. */
  get changes(): number {
    return this.#configurations.length - 1;
  }

  get committed(): LogIndex {
    return this.#committed.length;
  }

  onReadRequested(id: number): void {
    this.#readFloors.set(id, this.committed);
  }

  /** Records a restart, after which the commit index may be lower, because it is not on disk. */
  onRestart(member: TestMember): void {
    this.#lastStates.set(member.id, { term: member.core.term, commit: member.core.log.commit });
  }

  /** Checks a member after an action. */
  check(member: TestMember): void {
    this.#checkLeader(member);
    this.#checkLog(member);
    this.#checkMonotone(member);
    for (const { id, index } of member.grantedReads.splice(0)) {
      const floor = this.#readFloors.get(id) ?? 0;
      invariant(index >= floor, `read ${id} was granted at ${index}, but ${floor} was committed before it`);
    }
  }

  /** Checks that the state that a message promises is on its sender's disk. */
  checkSent(message: Message, { disk, core }: TestMember): void {
    const { hardState } = disk;
    if (message.type === 'appendAccepted') {
      invariant(
        hardState.term >= message.term,
        `${message.from} accepted an append in term ${message.term}, but its disk has term ${hardState.term}`,
      );
      for (let index = Math.max(disk.base().index, core.log.base.index); index <= message.match; index += 1) {
        const isOnDisk = index <= disk.lastIndex() && disk.term(index) === core.log.term(index);
        invariant(isOnDisk, `${message.from} accepted ${message.match}, but ${index} is not on its disk`);
      }
    }
    if (message.type === 'voteResponse' && message.granted) {
      const isOnDisk = hardState.term === message.term && hardState.vote === message.to;
      invariant(
        isOnDisk,
        `${message.from} voted in term ${message.term}, but its disk has ${JSON.stringify(hardState)}`,
      );
    }
    if (message.type === 'voteRequest') {
      const isOnDisk = hardState.term === message.term && hardState.vote === message.from;
      invariant(isOnDisk, `${message.from} requests votes, but its disk has ${JSON.stringify(hardState)}`);
    }
  }

  /** Checks election safety and, for a new leader, leader completeness. */
  #checkLeader({ id, core }: TestMember): void {
    if (core.role !== 'leader') return;
    const known = this.#leaders.get(core.term);
    invariant(
      known === undefined || known === id,
      `term ${core.term} has two leaders: ${String(known)} and ${id}`,
    );
    if (known === id) return;
    this.#leaders.set(core.term, id);
    for (const { index, term } of this.#committed) {
      const has = term >= core.term || index <= core.log.base.index || core.log.matches(index, term);
      invariant(has, `${id} leads term ${core.term} without the committed entry ${index} of term ${term}`);
    }
  }

  /** Checks log matching, and that all members have committed and applied the same entries. */
  #checkLog({ id, core, machine }: TestMember): void {
    const { log } = core;
    const { base, lastIndex } = log;
    invariant(base.index <= log.commit, `${id}: base ${base.index} is above the commit index ${log.commit}`);
    const atBase = base.index === 0 ? 0 : this.#committed[base.index - 1]?.term;
    invariant(
      base.term === atBase,
      `${id}: base ${base.index} has term ${base.term}, but the committed entry has term ${String(atBase)}`,
    );
    const read = (low: LogIndex, high: LogIndex): readonly Entry[] => log.entries(low, high, Infinity);
    const entries = entriesOf(base.index + 1, lastIndex, read);
    entries.forEach((entry, offset) => {
      const before = entries[offset - 1]?.term ?? base.term;
      invariant(entry.term >= before, `${id}: the term decreases at ${entry.index}`);
      const key = `${entry.index} ${entry.term}`;
      const known = this.#entries.get(key) ?? { before, entry };
      this.#entries.set(key, known);
      const same = known.before === before && Buffer.compare(known.entry.record, entry.record) === 0;
      invariant(same, `${id} has a different entry at (${key}), or a different term before it`);
      if (entry.index > log.commit) return;
      const committed = this.#committed[entry.index - 1] ?? this.#onQuorum(entry);
      invariant(
        committed.term === entry.term,
        `${id} committed entry ${entry.index} of term ${entry.term}, another member that of term ${committed.term}`,
      );
      this.#committed[entry.index - 1] = committed;
    });
    machine.forEach(({ index, term }, offset) => {
      const same = index === offset + 1 && this.#committed[offset]?.term === term;
      invariant(
        same,
        `${id} applied entry ${index} of term ${term}, but that of term ` +
          `${String(this.#committed[offset]?.term)} is committed`,
      );
    });
  }

  /**
   * Checks that a newly committed entry is on the disks of a quorum, with or without the leader: a quorum of
   * the latest configuration or, because the leader may not have applied that yet, of the one before.
   */
  #onQuorum(entry: Entry): Entry {
    const { index, term } = entry;
    // A member that has compacted the entry knew it to be committed; such an entry is not new here.
    const holders = this.#members.filter(
      ({ disk }) => disk.base().index < index && disk.lastIndex() >= index && disk.term(index) === term,
    );
    const isHeld = this.#configurations
      .slice(-2)
      .some((membership) => isQuorum(membership, (id) => holders.some((holder) => holder.id === id)));
    const disks = holders.map(({ id }) => id).join(' ');
    const configurations = this.#configurations.slice(-2).map(describeMembership).join(' | ');
    invariant(
      isHeld,
      `entry ${index} of term ${term} is committed but only on the disks of: ${disks}; members: ${configurations}`,
    );
    if (entry.kind === 'membership') this.#configurations.push(decodeMembership(entry.data));
    return entry;
  }

  #checkMonotone({ id, core }: TestMember): void {
    const { term } = core;
    const { commit } = core.log;
    const last = this.#lastStates.get(id) ?? { term: 0, commit: 0 };
    invariant(term >= last.term, `${id}: the term decreases from ${last.term} to ${term}`);
    invariant(commit >= last.commit, `${id}: the commit index decreases from ${last.commit} to ${commit}`);
    this.#lastStates.set(id, { term, commit });
  }
}

/** All entries from `first` to `last`. Reads repeatedly: a log returns entries from disk or from memory, not both. */
function entriesOf(
  first: LogIndex,
  last: LogIndex,
  read: (low: LogIndex, high: LogIndex) => readonly Entry[],
): Entry[] {
  const found: Entry[] = [];
  while (first + found.length <= last) found.push(...read(first + found.length, last));
  return found;
}
