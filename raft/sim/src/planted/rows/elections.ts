/** Bugs to plant in elections, terms and votes. */
import { CORE, type Mutation } from '../mutation.js';

export const ELECTIONS: readonly Mutation[] = [
  {
    name: 'vote not persisted',
    file: `${CORE}/voting-state.js`,
    find: 'return { term: this.#term, vote: this.#vote };',
    replace: 'return { term: this.#term, vote: null };',
  },
  {
    name: 'term not persisted',
    file: `${CORE}/voting-state.js`,
    find: 'this.#term = term;\n        this.#vote = null;\n        this.#dirty = true;',
    replace: 'this.#term = term;\n        this.#vote = null;',
  },
  {
    name: 'vote response before the sync',
    file: `${CORE}/election-state.js`,
    find: "this.#outbox.hold({\n            type: 'voteResponse',",
    replace: "this.#outbox.send({\n            type: 'voteResponse',",
  },
  {
    name: 'vote request before the sync',
    file: `${CORE}/election-state.js`,
    find: 'this.#outbox.hold(request);',
    replace: 'this.#outbox.send(request);',
  },
  {
    name: 'stale vote of an earlier term counted',
    file: `${CORE}/message-handler.js`,
    find: 'if (message.term < this.#term) {\n            this.#stepLowerTerm(message);',
    replace:
      "if (message.term < this.#term && message.type !== 'voteResponse') {\n            this.#stepLowerTerm(message);",
  },
  {
    name: 'two votes a term (Raft 5.2)',
    file: `${CORE}/election-state.js`,
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
    name: 'majority of one too few',
    file: `${CORE}/quorum.js`,
    find: 'return Math.floor(members / 2) + 1;',
    replace: 'return Math.floor((members + 1) / 2 - 1 / members);',
  },
  {
    name: 'a leader that hears of no majority leads on (thesis 6.2)',
    file: `${CORE}/leadership.js`,
    find: "? 'lead on' : 'step down'",
    replace: "? 'lead on' : 'lead on'",
  },
  {
    name: 'a leader whose disk hangs leads on',
    file: `${CORE}/health.js`,
    find: "return this.#hangs('write') ||",
    replace: 'return false &&',
  },
];
