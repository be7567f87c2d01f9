/**
 * The safety properties of a cluster (Raft, figure 3, and section 8), checked after every event of a member against
 * everything that was ever observed. Incremental: a check costs as much as has changed since the previous one.
 */
import type { Entry, LogBase, LogIndex, Message, NodeId, Term, LogView } from '@trireme/raft';
import { checksumOf } from '../cluster/map-state.js';
import {
  TERMS_MAX,
  type DiskView,
  type OracleListener,
  type ObservedMember,
  type ReportViolation,
} from './views.js';

interface Place {
  readonly before: Term;
  readonly checksum: number;
}

interface Committed {
  readonly term: Term;
  /** The term whose leader committed it: the term of the entry, or a later one if a later entry committed it. */
  readonly committedIn: Term;
  readonly checksum: number;
  /** Hash of the state at this index, once a member has applied it. */
  bookHash: number | null;
}

/** A member's log and status at the previous check. */
interface Seen {
  term: Term;
  commit: LogIndex;
  /** The term in which it led; 0 if it did not lead. */
  leads: Term;
  /** Index of the log's base. */
  base: LogIndex;
  /** Terms of the entries: that of entry `index` is at `index - 1`. Undefined below the base. */
  readonly terms: Term[];
}

export class SafetyChecker {
  readonly #violated: ReportViolation;
  readonly #listener: OracleListener;
  readonly #leaders = new Map<Term, NodeId>();
  /** By index and term of every entry in any log: the previous term, and the entry's checksum. */
  readonly #places = new Map<number, Place>();
  readonly #committed: Committed[] = [];
  readonly #seen = new Map<NodeId, Seen>();
  /** The candidate of each vote, by member and term, across restarts. */
  readonly #votes = new Map<string, NodeId>();

  constructor(violated: ReportViolation, listener: OracleListener) {
    this.#violated = violated;
    this.#listener = listener;
  }

  /** Number of entries that any member knows to be committed. */
  get committed(): LogIndex {
    return this.#committed.length;
  }

  /** Number of terms with a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** A member has restarted: its commit index may be lower, but not the term in which it voted. */
  onRestart(id: NodeId, disk: DiskView): void {
    const before = this.#seen.get(id);
    const { term } = disk.hardState;
    if (before !== undefined && term < before.term && this.#votes.has(`${id} ${before.term}`)) {
      this.#violated(
        'terms never decrease',
        `${id} voted in term ${before.term} but restarts in term ${term}`,
      );
    }
    this.#seen.set(id, { term, commit: 0, leads: 0, base: 0, terms: [] });
  }

  /** Checks a member after an event. */
  check(subject: ObservedMember): void {
    const { role, term, log } = subject;
    const { commit } = log;
    const seen = this.#seenOf(subject.id);
    this.#checkForward(subject, seen);
    this.#checkLog(subject, seen);
    if (role === 'leader') this.#checkLeader(subject, term);
    if (seen.leads > 0 && commit > seen.commit) this.#checkOwnTerm(subject, seen.leads);
    if (commit > seen.commit) this.#checkCommit(subject, seen.commit + 1, commit);
    seen.term = term;
    seen.leads = role === 'leader' ? term : 0;
    seen.commit = Math.max(seen.commit, commit);
  }

  /** A member sends a message. What the message promises must be on the sender's disk already. */
  onSend(message: Message, log: LogView, disk: DiskView): void {
    const { from, to, term } = message;
    if (message.type === 'appendAccepted') {
      const { match } = message;
      const isDurable =
        disk.hardState.term >= term &&
        disk.lastIndex >= match &&
        // Compacted entries were durable before.
        (match < log.base.index || disk.term(match) === log.term(match));
      if (!isDurable) {
        const what = `${from} accepted entries up to ${match}, which are not on its disk`;
        this.#violated('acknowledged entries are durable', what);
      }
      return;
    }
    const isGrant = message.type === 'voteResponse' && message.granted;
    if (!isGrant && message.type !== 'voteRequest') return;
    const candidate = isGrant ? to : from;
    this.#vote(from, term, candidate);
    const { term: diskTerm, vote } = disk.hardState;
    if (diskTerm < term || (diskTerm === term && vote !== candidate)) {
      this.#violated(
        'votes are durable',
        `${from} votes for ${candidate} in term ${term}, but its disk has ${String(vote)} in term ${diskTerm}`,
      );
    }
  }

  /** A member has applied an entry; the hash of its state is now `bookHash`. */
  onApplied(id: NodeId, entry: Entry, bookHash: number): void {
    const { index, term } = entry;
    const committed = this.#committed[index - 1];
    if (committed?.term !== term || committed.checksum !== checksumOf(entry)) {
      this.#violated(
        'applied entries are committed',
        `${id} applied entry ${index} of term ${term}, committed term is ${committed?.term ?? 'none'}`,
      );
      return;
    }
    committed.bookHash ??= bookHash;
    if (committed.bookHash !== bookHash) {
      this.#violated('equal states', `${id} has a different state than other members at index ${index}`);
    }
  }

  /** A member has installed a snapshot as of `base`; the hash of its state is now `bookHash`. */
  onSnapshotInstalled(id: NodeId, { index, term }: LogBase, bookHash: number): void {
    const committed = this.#committed[index - 1];
    if (committed?.term !== term) {
      const what = `${id} installed a snapshot as of entry ${index} of term ${term}, which is not committed`;
      this.#violated('installed snapshots are committed', what);
    } else if (committed.bookHash !== bookHash) {
      const what = `${id} has a different state than other members after the snapshot as of ${index}`;
      this.#violated('equal states', what);
    }
  }

  /** A read was confirmed at `index`; when it started, `floor` entries were committed. */
  onReadConfirmed(id: NodeId, index: LogIndex, floor: LogIndex): void {
    if (index >= floor) return;
    this.#violated('no stale reads', `${id} reads at ${index}, although ${floor} was committed before`);
  }

  #vote(voter: NodeId, term: Term, candidate: NodeId): void {
    const key = `${voter} ${term}`;
    const before = this.#votes.get(key) ?? candidate;
    this.#votes.set(key, before);
    if (before === candidate) return;
    this.#violated('one vote per term', `${voter} votes in term ${term} for ${before} and for ${candidate}`);
  }

  #seenOf(id: NodeId): Seen {
    let seen = this.#seen.get(id);
    if (seen === undefined) {
      seen = { term: 0, commit: 0, leads: 0, base: 0, terms: [] };
      this.#seen.set(id, seen);
    }
    return seen;
  }

  #checkForward({ id, term, log }: ObservedMember, seen: Seen): void {
    const { commit, applied, lastIndex } = log;
    if (term < seen.term) {
      this.#violated('terms never decrease', `${id} goes from term ${seen.term} back to ${term}`);
    }
    if (commit < seen.commit) {
      this.#violated(
        'commit never decreases',
        `${id} goes from commit index ${seen.commit} back to ${commit}`,
      );
    }
    if (applied > commit || commit > lastIndex) {
      const what = `${id}: applied ${applied}, commit ${commit}, last ${lastIndex}`;
      this.#violated('applied <= commit <= last', what);
    }
  }

  /** Checks log matching for each entry that is new since the previous check. */
  #checkLog({ id, log }: ObservedMember, seen: Seen): void {
    const { terms } = seen;
    const { base, lastIndex } = log;
    if (base.index > seen.base) this.#checkBase(id, base, seen);
    // Find the last unchanged entry. The entries before it are unchanged too, or an earlier check would have failed.
    let agreed = Math.min(lastIndex, terms.length);
    while (agreed > base.index && terms[agreed - 1] !== log.term(agreed)) agreed -= 1;
    if (agreed === lastIndex && terms.length === lastIndex) return;
    terms.length = agreed;
    for (let index = agreed + 1; index <= lastIndex; index += 1) {
      const [entry] = log.entries(index, index, 0);
      if (entry === undefined) return;
      this.#checkPlace(id, entry, terms.at(-1) ?? 0);
      terms.push(entry.term);
    }
  }

  /** Compacted entries must be committed. */
  #checkBase(id: NodeId, { index, term }: LogBase, seen: Seen): void {
    const committed = this.#committed[index - 1]?.term ?? 'none';
    if (committed !== term) {
      this.#violated(
        'compacted entries are committed',
        `the log of ${id} starts after ${index} of term ${term}, committed term is ${committed}`,
      );
    }
    seen.base = index;
    // An installed snapshot may replace the log, including different entries.
    if (seen.terms[index - 1] === term) return;
    seen.terms.length = index;
    seen.terms[index - 1] = term;
  }

  #checkPlace(id: NodeId, entry: Entry, before: Term): void {
    const { index, term } = entry;
    if (term < before) this.#violated('log matching', `the log of ${id} has a decreasing term at ${index}`);
    const checksum = checksumOf(entry);
    const key = index * TERMS_MAX + term;
    const place = this.#places.get(key);
    if (place === undefined) {
      this.#places.set(key, { before, checksum });
      this.#listener.onEntryLogged(entry);
    } else if (place.before !== before || place.checksum !== checksum) {
      this.#violated('log matching', `${id} has a different entry at or before ${index} of term ${term}`);
    }
  }

  /**
   * Checks election safety, and leader completeness when a leader is first observed: entries that were
   * committed in a term are in the log of each leader of a later term. A leader of an old term may be observed
   * late, and need not have entries that were committed in later terms.
   */
  #checkLeader({ id, log }: ObservedMember, term: Term): void {
    const known = this.#leaders.get(term);
    if (known === id) return;
    if (known !== undefined) {
      this.#violated('election safety', `term ${term} has two leaders: ${known} and ${id}`);
    }
    this.#leaders.set(term, id);
    this.#listener.checkElection(id, log, term, (voter) => this.#votes.get(`${voter} ${term}`));
    const lost = this.#committed.findIndex((entry, place) => {
      if (entry.committedIn >= term || place < log.base.index) return false;
      return place >= log.lastIndex || log.term(place + 1) !== entry.term;
    });
    if (lost === -1) return;
    this.#violated('leader completeness', `${id} leads term ${term} without the committed entry ${lost + 1}`);
  }

  /** A leader counts replicas only for entries of its own term (Raft 5.4.2). */
  #checkOwnTerm({ id, log, currentLeaderTerm }: ObservedMember, term: Term): void {
    const of = log.term(log.commit);
    // It may have stepped down since, or learned from a refused pre-vote what an earlier leader had committed.
    const isKnown = this.#committed.length >= log.commit;
    if (of === term || isKnown || currentLeaderTerm() !== term) return;
    const what = `${id} leads term ${term} and commits entry ${log.commit} of term ${of}`;
    this.#violated('commit of the current term', what);
  }

  #checkCommit({ id, log }: ObservedMember, low: LogIndex, high: LogIndex): void {
    const before = this.#committed.length;
    const committedIn = log.term(Math.min(high, log.lastIndex));
    for (let index = Math.max(low, log.base.index + 1); index <= Math.min(high, log.lastIndex); index += 1) {
      const term = log.term(index);
      const known = this.#committed[index - 1];
      if (known === undefined) {
        const checksum = this.#places.get(index * TERMS_MAX + term)?.checksum ?? 0;
        this.#committed.push({ term, committedIn, checksum, bookHash: null });
        this.#listener.onCommitted(index, term);
      } else if (known.term !== term) {
        this.#violated(
          'state machine safety',
          `${id} commits entry ${index} of term ${term}, other members commit one of term ${known.term}`,
        );
        return;
      }
    }
    const last = this.#committed.at(-1);
    if (this.#committed.length > before && last !== undefined) {
      this.#listener.checkCommit(id, log, this.#committed.length, last.term);
    }
  }
}
