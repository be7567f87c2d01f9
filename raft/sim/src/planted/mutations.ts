/**
 * Bugs to plant: each is one change to one compiled file of the library (or of the replicated map under test, where a
 * rule is the state machine's to keep). The text must occur exactly once, so that a row cannot silently plant nothing.
 */
export interface Mutation {
  readonly name: string;
  /** Compiled file, relative to the folder of the package. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const CORE = 'dist/core';
const BOOK = 'sim/dist/cluster';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'commit of an earlier term by counting (Raft 5.4.2)',
    file: `${CORE}/leadership.js`,
    find: 'if (reached > log.commit && log.term(reached) === term)',
    replace: 'if (reached > log.commit)',
  },
  {
    name: 'vote not persisted',
    file: `${CORE}/ballot.js`,
    find: 'return { term: this.#term, vote: this.#vote };',
    replace: 'return { term: this.#term, vote: null };',
  },
  {
    name: 'term not persisted',
    file: `${CORE}/ballot.js`,
    find: 'this.#term = term;\n        this.#vote = null;\n        this.#dirty = true;',
    replace: 'this.#term = term;\n        this.#vote = null;',
  },
  {
    name: 'vote response before the sync',
    file: `${CORE}/standing.js`,
    find: "this.#outbox.hold({\n            type: 'voteResponse',",
    replace: "this.#outbox.send({\n            type: 'voteResponse',",
  },
  {
    name: 'vote request before the sync',
    file: `${CORE}/standing.js`,
    find: 'this.#outbox.hold(request);',
    replace: 'this.#outbox.send(request);',
  },
  {
    name: 'append response before the sync',
    file: `${CORE}/follow.js`,
    find: "outbox.hold({ type: 'appendAccepted', from, to, term, match });",
    replace: "outbox.send({ type: 'appendAccepted', from, to, term, match });",
  },
  {
    name: 'missing prev-term check (Raft 5.3)',
    file: `${CORE}/follow.js`,
    find: 'if (prevIndex >= log.commit && !log.matches(prevIndex, prevTerm)) {',
    replace: 'if (prevIndex > log.lastIndex) {',
  },
  {
    name: 'truncating on every append',
    file: `${CORE}/log.js`,
    find: 'index > base && !this.matches(index, term)',
    replace: 'index > base && index > this.#commit && term > 0',
  },
  {
    name: 'commit beyond what matched',
    file: `${CORE}/followers.js`,
    find: 'const commit = Math.min(log.commit, match);',
    replace: 'const commit = log.commit;',
  },
  {
    name: 'follower commits one more than it was told to',
    file: `${CORE}/follow.js`,
    find: 'log.commitTo(commit);',
    replace: 'log.commitTo(Math.min(commit + 1, log.lastIndex));',
  },
  {
    name: 'ReadIndex without a quorum round (thesis 6.4)',
    file: `${CORE}/reads.js`,
    find: 'if (round < this.#openRound)',
    replace: 'if (round < 0)',
  },
  {
    name: "ReadIndex before the term's first commit (thesis 6.4)",
    file: `${CORE}/leadership.js`,
    find: 'if (this.hasCommittedInTerm && this.#reads.openRound(this.#context.log.commit))',
    replace: 'if (this.#reads.openRound(this.#context.log.commit))',
  },
  {
    name: 'lease read after a pause (thesis 6.4.1)',
    file: `${CORE}/lease.js`,
    find: 'this.#holds(this.#fromMs, this.#config.now());',
    replace: 'this.#holds(this.#fromMs, this.#sent.at(-1)?.atMs ?? this.#fromMs);',
  },
  {
    name: 'a voter breaks the promise that leases stand on (thesis 6.4.1)',
    file: `${CORE}/standing.js`,
    find: 'return this.#timer.silence < this.#config.electionTicks;',
    replace: 'return false;',
  },
  {
    name: 'lease kept while leadership is handed over (thesis 6.4.1)',
    file: `${CORE}/leadership.js`,
    find: 'this.#lease?.void();',
    replace: '',
  },
  {
    name: 'lease counted from the answer, not from the question (thesis 6.4.1)',
    file: `${CORE}/lease.js`,
    find: 'this.#sent.findLast((one) => one.round <= round)?.atMs ?? this.#fromMs;',
    replace: 'this.#sent.some((one) => one.round <= round) ? this.#config.now() : this.#fromMs;',
  },
  {
    name: 'read served before its index is applied',
    file: 'dist/pending-reads.js',
    find: 'serve(applied) {',
    replace: 'serve(applied) {\n        applied = Infinity;',
  },
  {
    name: 'applied index not atomic with the data',
    file: `${BOOK}/machine.js`,
    find: 'return new Promise((resolve) => {',
    replace:
      'return new Promise((resolve) => {\n            this.#disk.written.applied = entries.at(-1).index;',
  },
  {
    name: 'stale append response of an earlier term accepted',
    file: `${CORE}/raft.js`,
    find: 'if (message.term < this.term) {\n            this.#stepLowerTerm(message);',
    replace:
      "if (message.term < this.term && message.type !== 'appendAccepted') {\n            this.#stepLowerTerm(message);",
  },
  {
    name: 'stale vote of an earlier term counted',
    file: `${CORE}/raft.js`,
    find: 'if (message.term < this.term) {\n            this.#stepLowerTerm(message);',
    replace:
      "if (message.term < this.term && message.type !== 'voteResponse') {\n            this.#stepLowerTerm(message);",
  },
  {
    name: 'acknowledgement after a failed sync',
    file: 'dist/node.js',
    find: 'await this.#options.storage.persist(batch);',
    replace: 'await this.#options.storage.persist(batch).catch(() => undefined);',
  },
  {
    name: 'two votes a term (Raft 5.2)',
    file: `${CORE}/standing.js`,
    find: 'const isFree = vote === message.from || (vote === null && this.#leader === null);',
    replace: 'const isFree = true;',
  },
  {
    name: 'vote for a log that is behind (Raft 5.4.1)',
    file: `${CORE}/log.js`,
    find: 'return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);',
    replace: 'return term >= this.lastTerm;',
  },
  {
    name: 'leader counts itself before its disk',
    file: `${CORE}/leadership.js`,
    find: 'this.#reachedByQuorum(log.stableIndex,',
    replace: 'this.#reachedByQuorum(log.lastIndex,',
  },
  {
    name: 'a finished write acknowledges entries that were replaced meanwhile',
    file: `${CORE}/log.js`,
    find: 'while (count < entries.length && entries[count] === this.#unstable[count])',
    replace: 'while (count < entries.length && this.#unstable[count] !== undefined)',
  },
  {
    name: 'majority of one too few',
    file: `${CORE}/quorum.js`,
    find: 'return Math.floor(members / 2) + 1;',
    replace: 'return Math.floor((members + 1) / 2 - 1 / members);',
  },
  {
    name: 'session dedupe dropped (thesis 6.3)',
    file: `${BOOK}/book.js`,
    find: 'if (last !== undefined && last.sequence === sequence)',
    replace: 'if (last !== undefined && last.sequence === sequence && last.sequence < 0)',
  },
  {
    name: 'snapshot without sessions (thesis 6.3)',
    file: `${BOOK}/snapshot.js`,
    find: 'sessions: [...sessions] };',
    replace: 'sessions: [] };',
  },
  {
    name: 'log begun anew before the snapshot is the state (Raft 7)',
    file: 'dist/node.js',
    find: 'await this.#snapshots.install(base);\n        await storage.persist({ base, hardState: null, entries });',
    replace:
      'await storage.persist({ base, hardState: null, entries });\n        await this.#snapshots.install(base);',
  },
  {
    name: 'an interrupted install is not ended at the next start',
    file: 'dist/node.js',
    find: 'await finishInstall(options.storage, options.machine);',
    replace: '',
  },
  {
    name: 'install below the commit index',
    file: `${CORE}/log.js`,
    find: 'if (base.index <= this.#commit || this.#installing !== null)\n            return false;\n        if (this.matches(base.index, base.term)) {',
    replace:
      'if (this.#installing !== null || base.index <= this.base.index)\n            return false;\n        if (base.index > this.lastIndex && this.matches(base.index, base.term)) {',
  },
  {
    name: 'log compacted beyond what the state cannot lose',
    file: 'dist/compactor.js',
    find: 'const durable = await snapshots.sync();',
    replace: 'await snapshots.sync();\n        const durable = this.#o.machine.applied;',
  },
  {
    name: 'snapshot acknowledged before it is durable',
    file: `${CORE}/follow.js`,
    find: "outbox.hold({ type: 'appendAccepted', from, to, term, match: log.commit });",
    replace: "outbox.send({ type: 'appendAccepted', from, to, term, match: log.commit });",
  },
  {
    name: 'a follower that needs a snapshot is not sent one',
    file: `${CORE}/followers.js`,
    find: 'this.#snapshots.push(to);',
    replace: 'this.#snapshots.length = 0;',
  },
  {
    name: 'a leader that hears of no majority leads on (thesis 6.2)',
    file: `${CORE}/leadership.js`,
    find: "? 'lead on' : 'step down'",
    replace: "? 'lead on' : 'lead on'",
  },
  {
    name: 'a window whose answers were lost stays full',
    file: `${CORE}/followers.js`,
    find: 'progress.nudge = true;',
    replace: 'progress.nudge = false;',
  },
];
