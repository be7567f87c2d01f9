/** Planted bugs in elections, terms and votes. */
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
    find: "this.#outbox.sendWhenDurable({\n            type: 'voteResponse',",
    replace: "this.#outbox.send({\n            type: 'voteResponse',",
  },
  {
    name: 'vote request before the sync',
    file: `${CORE}/election-state.js`,
    find: 'this.#outbox.sendWhenDurable(request);',
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
    name: 'two votes per term (Raft 5.2)',
    file: `${CORE}/election-state.js`,
    find: 'const isFree = vote === message.from || (vote === null && this.#leader === null);',
    replace: 'const isFree = true;',
  },
  {
    name: 'vote for a candidate whose log lags (Raft 5.4.1)',
    file: `${CORE}/log.js`,
    find: 'return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);',
    replace: 'return term >= this.lastTerm;',
  },
  {
    name: 'majority too small by one',
    file: `${CORE}/quorum.js`,
    find: 'return Math.floor(members / 2) + 1;',
    replace: 'return Math.floor((members + 1) / 2 - 1 / members);',
  },
  {
    name: 'leader without contact to a majority does not step down (thesis 6.2)',
    file: `${CORE}/leadership.js`,
    find: "? 'keep leading' : 'step down'",
    replace: "? 'keep leading' : 'keep leading'",
  },
  {
    name: 'leader with a hung disk does not step down',
    file: `${CORE}/health.js`,
    find: "return this.#hangs('write') ||",
    replace: 'return false &&',
  },
];
