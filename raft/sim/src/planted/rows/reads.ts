/** Planted bugs in reads and leases. */
import { CORE, type Mutation } from '../mutation.js';

export const READS: readonly Mutation[] = [
  {
    name: 'ReadIndex without a quorum round (thesis 6.4)',
    file: `${CORE}/read-queue.js`,
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
    name: 'voter grants votes within the lease of a leader (thesis 6.4.1)',
    file: `${CORE}/election-state.js`,
    find: 'return this.#timer.ticksSinceLeader < this.#config.electionTicks;',
    replace: 'return false;',
  },
  {
    name: 'lease kept while leadership is transferred (thesis 6.4.1)',
    file: `${CORE}/leadership-transfer.js`,
    find: 'this.#onBegin();',
    replace: '',
  },
  {
    name: 'lease counted from the response, not from the request (thesis 6.4.1)',
    file: `${CORE}/lease.js`,
    find: 'this.#sent.findLast((one) => one.round <= round)?.atMs ?? this.#fromMs;',
    replace: 'this.#sent.some((one) => one.round <= round) ? this.#config.now() : this.#fromMs;',
  },
  {
    name: 'read served before its index is applied',
    file: 'raft/dist/pending-reads.js',
    find: 'onApplied(applied) {',
    replace: 'onApplied(applied) {\n        applied = Infinity;',
  },
];
