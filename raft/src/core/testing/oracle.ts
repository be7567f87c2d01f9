/**
 * What must hold of a cluster at any time (Raft, figure 3), checked against everything that was ever seen of it. Each
 * check throws with what it found.
 */
import { invariant } from '../errors.js';
import { decodeMembership } from '../membership-codec.js';
import { describeMembership, type Membership } from '../membership.js';
import { isQuorum } from '../quorum.js';
import type { Entry, LogIndex, Message, NodeId, Term } from '../types.js';
import type { Member } from './member.js';

interface Seen {
  readonly term: Term;
  readonly commit: LogIndex;
}

export class Oracle {
  readonly #members: readonly Member[];
  readonly #leaders = new Map<Term, NodeId>();
  /** Every place (index, term) that some log had, with the term before it and its bytes. */
  readonly #places = new Map<string, { readonly before: Term; readonly entry: Entry }>();
  /** The entries that some member knew to be committed. */
  readonly #committed: Entry[] = [];
  readonly #seen = new Map<NodeId, Seen>();
  /** For each read asked for: how much was committed anywhere by then. */
  readonly #readFloors = new Map<number, LogIndex>();

  /** The configurations that were committed, oldest first. */
  readonly #configurations: Membership[];

  constructor(members: readonly Member[], initial: Membership) {
    this.#members = members;
    this.#configurations = [initial];
  }

  /** Configurations that were committed after the initial one. */
  get changes(): number {
    return this.#configurations.length - 1;
  }

  get committed(): LogIndex {
    return this.#committed.length;
  }

  readAsked(id: number): void {
    this.#readFloors.set(id, this.committed);
  }

  /** To be called when a member loses its memory: its commit index may start anew, what its disk says may not. */
  restarted(member: Member): void {
    this.#seen.set(member.id, { term: member.core.term, commit: member.core.log.commit });
  }

  /** Checks a member after it did something. */
  check(member: Member): void {
    this.#checkLeader(member);
    this.#checkLog(member);
    this.#checkMonotone(member);
    for (const { id, index } of member.grants.splice(0)) {
      const floor = this.#readFloors.get(id) ?? 0;
      invariant(index >= floor, `read ${id} granted at ${index}, committed before it ${floor}`);
    }
  }

  /** Checks that what a message promises stands on its sender's disk. */
  checkSent(message: Message, { disk, core }: Member): void {
    const { hardState } = disk;
    if (message.type === 'appendAccepted') {
      invariant(
        hardState.term >= message.term,
        `append accepted in ${message.term}, disk has ${hardState.term}`,
      );
      for (let index = Math.max(disk.base().index, core.log.base.index); index <= message.match; index += 1) {
        const holds = index <= disk.lastIndex() && disk.term(index) === core.log.term(index);
        invariant(holds, `${message.from} accepted ${message.match}, but ${index} is not on its disk`);
      }
    }
    if (message.type === 'voteResponse' && message.granted) {
      const holds = hardState.term === message.term && hardState.vote === message.to;
      invariant(
        holds,
        `${message.from} voted in ${message.term}, its disk says ${JSON.stringify(hardState)}`,
      );
    }
    if (message.type === 'voteRequest') {
      const holds = hardState.term === message.term && hardState.vote === message.from;
      invariant(holds, `${message.from} asks for votes, its disk says ${JSON.stringify(hardState)}`);
    }
  }

  /** Election safety, and leader completeness at the moment that a leader appears. */
  #checkLeader({ id, core }: Member): void {
    if (core.role !== 'leader') return;
    const known = this.#leaders.get(core.term);
    invariant(
      known === undefined || known === id,
      `term ${core.term} has leaders ${String(known)} and ${id}`,
    );
    if (known === id) return;
    this.#leaders.set(core.term, id);
    for (const { index, term } of this.#committed) {
      const has = term >= core.term || index <= core.log.base.index || core.log.matches(index, term);
      invariant(has, `${id} leads term ${core.term} without the committed entry ${index} of term ${term}`);
    }
  }

  /** Log matching, and that what is committed or applied is the same everywhere. */
  #checkLog({ id, core, machine }: Member): void {
    const { log } = core;
    const { base, lastIndex } = log;
    invariant(base.index <= log.commit, `${id}: base ${base.index} is beyond its commit ${log.commit}`);
    const atBase = base.index === 0 ? 0 : this.#committed[base.index - 1]?.term;
    invariant(
      base.term === atBase,
      `${id}: base (${base.index}, ${base.term}), committed is ${String(atBase)}`,
    );
    const ask = (low: LogIndex, high: LogIndex): readonly Entry[] => log.entries(low, high, Infinity);
    const entries = entriesOf(base.index + 1, lastIndex, ask);
    entries.forEach((entry, offset) => {
      const before = entries[offset - 1]?.term ?? base.term;
      invariant(entry.term >= before, `${id}: term falls at ${entry.index}`);
      const key = `${entry.index} ${entry.term}`;
      const place = this.#places.get(key) ?? { before, entry };
      this.#places.set(key, place);
      const same = place.before === before && Buffer.compare(place.entry.record, entry.record) === 0;
      invariant(same, `${id} has another entry at (${key}) or before it`);
      if (entry.index > log.commit) return;
      const committed = this.#committed[entry.index - 1] ?? this.#onQuorum(entry);
      invariant(committed.term === entry.term, `${id} committed ${key}, another ${committed.term}`);
      this.#committed[entry.index - 1] = committed;
    });
    machine.forEach(({ index, term }, offset) => {
      const same = index === offset + 1 && this.#committed[offset]?.term === term;
      invariant(
        same,
        `${id} applied ${index} of term ${term}, committed is ${String(this.#committed[offset]?.term)}`,
      );
    });
  }

  /**
   * What is committed stands on the disks of a quorum, the leader's among them or not: one of the configuration at its
   * place in the log or, as the leader may not have applied that yet, of the one before.
   */
  #onQuorum(entry: Entry): Entry {
    const { index, term } = entry;
    // Who compacted it knew it to be committed: then it is no news here.
    const holders = this.#members.filter(
      ({ disk }) => disk.base().index < index && disk.lastIndex() >= index && disk.term(index) === term,
    );
    const isHeld = this.#configurations
      .slice(-2)
      .some((membership) => isQuorum(membership, (id) => holders.some((holder) => holder.id === id)));
    const disks = holders.map(({ id }) => id).join(' ');
    const configurations = this.#configurations.slice(-2).map(describeMembership).join(' | ');
    invariant(isHeld, `(${index}, ${term}) is committed on ${disks}, of ${configurations}`);
    if (entry.kind === 'membership') this.#configurations.push(decodeMembership(entry.data));
    return entry;
  }

  #checkMonotone({ id, core }: Member): void {
    const { term } = core;
    const { commit } = core.log;
    const last = this.#seen.get(id) ?? { term: 0, commit: 0 };
    invariant(term >= last.term, `${id}: term falls from ${last.term} to ${term}`);
    invariant(commit >= last.commit, `${id}: commit falls from ${last.commit} to ${commit}`);
    this.#seen.set(id, { term, commit });
  }
}

/** All entries from `first` to `last`, asked for as often as it takes: a log answers up to the border of disk and memory. */
function entriesOf(
  first: LogIndex,
  last: LogIndex,
  ask: (low: LogIndex, high: LogIndex) => readonly Entry[],
): Entry[] {
  const found: Entry[] = [];
  while (first + found.length <= last) found.push(...ask(first + found.length, last));
  return found;
}
