/**
 * What must hold of a cluster at any time (Raft, figure 3, and 8), looked at after every event of a member and checked
 * against everything that was ever seen of it. Incremental: each look costs what has changed since the last.
 */
import type { Entry, LogBase, LogIndex, Message, NodeId, Term } from '#raft/core/types.js';
import type { LogView } from '#raft/options.js';
import { checksumOf } from '../cluster/book.js';
import { TERMS_MAX, type DiskView, type Sequel, type Subject, type Violated } from './views.js';

interface Place {
  readonly before: Term;
  readonly checksum: number;
}

interface Committed {
  readonly term: Term;
  /** The term whose leader committed it: that of the entry itself, or a later one that committed an entry of its own behind it. */
  readonly committedIn: Term;
  readonly checksum: number;
  /** The book's hash at this index, once some member has applied it. */
  bookHash: number | null;
}

/** A member's log and status at the last look. */
interface Seen {
  term: Term;
  commit: LogIndex;
  /** The term in which it led; 0 if it did not. */
  leads: Term;
  /** Where its log began. */
  base: LogIndex;
  /** Term of each entry, at its index less 1; void below the base. */
  readonly terms: Term[];
}

export class Oracle {
  readonly #violated: Violated;
  readonly #sequel: Sequel;
  readonly #leaders = new Map<Term, NodeId>();
  /** Every place (index, term) that some log had: the term before it and its bytes. */
  readonly #places = new Map<number, Place>();
  readonly #committed: Committed[] = [];
  readonly #seen = new Map<NodeId, Seen>();
  /** Whom each member gave its vote, by member and term: over all its lives. */
  readonly #votes = new Map<string, NodeId>();

  constructor(violated: Violated, sequel: Sequel) {
    this.#violated = violated;
    this.#sequel = sequel;
  }

  /** Entries that some member knows to be committed. */
  get committed(): LogIndex {
    return this.#committed.length;
  }

  /** Terms in which someone led. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** A member has lost its memory: its commit index may start anew, its term may not. */
  restarted(id: NodeId, disk: DiskView): void {
    const before = this.#seen.get(id);
    const { term } = disk.hardState;
    if (before !== undefined && term < before.term && this.#votes.has(`${id} ${before.term}`)) {
      this.#violated('terms never go back', `${id} voted in term ${before.term}, starts again in ${term}`);
    }
    this.#seen.set(id, { term, commit: 0, leads: 0, base: 0, terms: [] });
  }

  /** Looks at a member after something happened to it. */
  look(subject: Subject): void {
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

  /** What a message promises has to stand on its sender's disk already. */
  sent(message: Message, log: LogView, disk: DiskView): void {
    const { from, to, term } = message;
    if (message.type === 'appendAccepted') {
      const { match } = message;
      const holds =
        disk.hardState.term >= term &&
        disk.lastIndex >= match &&
        // What is compacted was durable before.
        (match < log.base.index || disk.term(match) === log.term(match));
      if (!holds) this.#violated('acknowledged is durable', `${from} accepted ${match}, not on its disk`);
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
        `${from} votes for ${candidate} in ${term}, its disk says ${String(vote)} in ${diskTerm}`,
      );
    }
  }

  /** A member has put an entry into its book, whose hash is now `bookHash`. */
  applied(id: NodeId, entry: Entry, bookHash: number): void {
    const { index, term } = entry;
    const committed = this.#committed[index - 1];
    if (committed?.term !== term || committed.checksum !== checksumOf(entry)) {
      this.#violated(
        'applied is committed',
        `${id} applied ${index} of term ${term}, committed is ${committed?.term ?? 'nothing'}`,
      );
      return;
    }
    committed.bookHash ??= bookHash;
    if (committed.bookHash !== bookHash) {
      this.#violated('equal books', `${id} has another book at index ${index} than others had`);
    }
  }

  /** A member's book was made of a snapshot as of `base`; its hash is now `bookHash`. */
  installed(id: NodeId, { index, term }: LogBase, bookHash: number): void {
    const committed = this.#committed[index - 1];
    if (committed?.term !== term) {
      this.#violated('installed is committed', `${id} installed ${index} of term ${term}`);
    } else if (committed.bookHash !== bookHash) {
      this.#violated('equal books', `${id} has another book by a snapshot as of ${index} than others had`);
    }
  }

  /** A read was confirmed at `index`; when it was asked for, `floor` entries were committed. */
  readGranted(id: NodeId, index: LogIndex, floor: LogIndex): void {
    if (index >= floor) return;
    this.#violated('reads see what was committed', `${id} reads at ${index}, committed before was ${floor}`);
  }

  #vote(voter: NodeId, term: Term, candidate: NodeId): void {
    const key = `${voter} ${term}`;
    const before = this.#votes.get(key) ?? candidate;
    this.#votes.set(key, before);
    if (before === candidate) return;
    this.#violated('one vote a term', `${voter} votes in ${term} for ${before} and for ${candidate}`);
  }

  #seenOf(id: NodeId): Seen {
    let seen = this.#seen.get(id);
    if (seen === undefined) {
      seen = { term: 0, commit: 0, leads: 0, base: 0, terms: [] };
      this.#seen.set(id, seen);
    }
    return seen;
  }

  #checkForward({ id, term, log }: Subject, seen: Seen): void {
    const { commit, applied, lastIndex } = log;
    if (term < seen.term) {
      this.#violated('terms never go back', `${id} falls from term ${seen.term} to ${term}`);
    }
    if (commit < seen.commit) {
      this.#violated('commit never goes back', `${id} falls from ${seen.commit} to ${commit}`);
    }
    if (applied > commit || commit > lastIndex) {
      this.#violated('applied <= commit <= last', `${id}: ${applied}, ${commit}, ${lastIndex}`);
    }
  }

  /** Log matching, entry by entry: what is new since the last look follows what it follows everywhere. */
  #checkLog({ id, log }: Subject, seen: Seen): void {
    const { terms } = seen;
    const { base, lastIndex: last } = log;
    if (base.index > seen.base) this.#checkBase(id, base, seen);
    // Back to where the log is as it was: what agrees there agrees before, or an earlier look would have told.
    let agreed = Math.min(last, terms.length);
    while (agreed > base.index && terms[agreed - 1] !== log.term(agreed)) agreed -= 1;
    if (agreed === last && terms.length === last) return;
    terms.length = agreed;
    for (let index = agreed + 1; index <= last; index += 1) {
      const [entry] = log.entries(index, index, 0);
      if (entry === undefined) return;
      this.#checkPlace(id, entry, terms.at(-1) ?? 0);
      terms.push(entry.term);
    }
  }

  /** What a log has no entries of any more is committed, and as everywhere. */
  #checkBase(id: NodeId, { index, term }: LogBase, seen: Seen): void {
    const committed = this.#committed[index - 1]?.term ?? 'nothing';
    if (committed !== term) {
      this.#violated(
        'compacted is committed',
        `${id} begins behind ${index} of term ${term}, not ${committed}`,
      );
    }
    seen.base = index;
    // A snapshot may begin the log anew: what it had there before does not count.
    if (seen.terms[index - 1] === term) return;
    seen.terms.length = index;
    seen.terms[index - 1] = term;
  }

  #checkPlace(id: NodeId, entry: Entry, before: Term): void {
    const { index, term } = entry;
    if (term < before) this.#violated('log matching', `${id}: the term falls at ${index}`);
    const checksum = checksumOf(entry);
    const key = index * TERMS_MAX + term;
    const place = this.#places.get(key);
    if (place === undefined) {
      this.#places.set(key, { before, checksum });
      this.#sequel.placed(entry);
    } else if (place.before !== before || place.checksum !== checksum) {
      this.#violated('log matching', `${id} has another entry at ${index} of term ${term}, or before it`);
    }
  }

  /**
   * Election safety, and leader completeness at the moment that a leader appears: what was committed in a term is in the log
   * of each leader of a later one. Who is elected late, in a term that others have left behind, need not have what they
   * committed since.
   */
  #checkLeader({ id, log }: Subject, term: Term): void {
    const known = this.#leaders.get(term);
    if (known === id) return;
    if (known !== undefined) {
      this.#violated('one leader a term', `term ${term} is led by ${known} and by ${id}`);
    }
    this.#leaders.set(term, id);
    this.#sequel.checkElection(id, log, term, (voter) => this.#votes.get(`${voter} ${term}`));
    const lost = this.#committed.findIndex((entry, place) => {
      if (entry.committedIn >= term || place < log.base.index) return false;
      return place >= log.lastIndex || log.term(place + 1) !== entry.term;
    });
    if (lost === -1) return;
    this.#violated('leader completeness', `${id} leads ${term} without the committed entry ${lost + 1}`);
  }

  /** A leader counts replicas only for entries of its own term (Raft 5.4.2). */
  #checkOwnTerm({ id, log, leadsNow }: Subject, term: Term): void {
    const of = log.term(log.commit);
    // It may have stepped down since, or learnt with a refused pre-vote what an earlier leader had committed.
    const isKnown = this.#committed.length >= log.commit;
    if (of === term || isKnown || leadsNow() !== term) return;
    this.#violated('commit of the own term', `${id} leads ${term} and commits ${log.commit} of term ${of}`);
  }

  #checkCommit({ id, log }: Subject, low: LogIndex, high: LogIndex): void {
    const before = this.#committed.length;
    const committedIn = log.term(Math.min(high, log.lastIndex));
    for (let index = Math.max(low, log.base.index + 1); index <= Math.min(high, log.lastIndex); index += 1) {
      const term = log.term(index);
      const known = this.#committed[index - 1];
      if (known === undefined) {
        const checksum = this.#places.get(index * TERMS_MAX + term)?.checksum ?? 0;
        this.#committed.push({ term, committedIn, checksum, bookHash: null });
        this.#sequel.committed(index, term);
      } else if (known.term !== term) {
        this.#violated(
          'state machine safety',
          `${id} commits ${index} of term ${term}, others of term ${known.term}`,
        );
        return;
      }
    }
    const last = this.#committed.at(-1);
    if (this.#committed.length > before && last !== undefined) {
      this.#sequel.checkCommit(id, log, this.#committed.length, last.term);
    }
  }
}
