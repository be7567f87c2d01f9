/** Planted bugs in replication, commitment and responses to clients. */
import { CORE, CLUSTER, type Mutation } from '../mutation.js';

export const REPLICATION: readonly Mutation[] = [
  {
    name: 'commit of an earlier term by counting (Raft 5.4.2)',
    file: `${CORE}/leadership.js`,
    find: 'if (reached > log.commit && log.term(reached) === term)',
    replace: 'if (reached > log.commit)',
  },
  {
    name: 'append response before the sync',
    file: `${CORE}/follower.js`,
    find: "outbox.sendWhenDurable({ type: 'appendAccepted', from, to, term, match });",
    replace: "outbox.send({ type: 'appendAccepted', from, to, term, match });",
  },
  {
    name: 'missing prev-term check (Raft 5.3)',
    file: `${CORE}/follower.js`,
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
    name: 'heartbeat with a commit index beyond the match index',
    file: `${CORE}/followers.js`,
    find: 'const commit = Math.min(log.commit, progress.match);',
    replace: 'const commit = log.commit;',
  },
  {
    name: 'follower commits one entry too many',
    file: `${CORE}/follower.js`,
    find: 'log.commitTo(commit);',
    replace: 'log.commitTo(Math.min(commit + 1, log.lastIndex));',
  },
  {
    name: 'applied index not atomic with the data',
    file: `${CLUSTER}/machine.js`,
    find: 'return new Promise((resolve) => {',
    replace: 'return new Promise((resolve) => {\n            disk.written.applied = entries.at(-1).index;',
  },
  {
    name: 'stale append response of an earlier term accepted',
    file: `${CORE}/message-handler.js`,
    find: 'if (message.term < this.#term) {\n            this.#stepLowerTerm(message);',
    replace:
      "if (message.term < this.#term && message.type !== 'appendAccepted') {\n            this.#stepLowerTerm(message);",
  },
  {
    name: 'acknowledgement after a failed sync',
    file: 'raft/dist/node.js',
    find: 'await this.#options.storage.persist(batch);',
    replace: 'await this.#options.storage.persist(batch).catch(() => undefined);',
  },
  {
    name: 'leader counts its own entries before they are durable',
    file: `${CORE}/leadership.js`,
    find: 'this.#reachedByQuorum(log.stableIndex,',
    replace: 'this.#reachedByQuorum(log.lastIndex,',
  },
  {
    name: 'completed write acknowledges entries that were replaced meanwhile',
    file: `${CORE}/log.js`,
    find: 'while (count < entries.length && entries[count] === this.#unstable[count])',
    replace: 'while (count < entries.length && this.#unstable[count] !== undefined)',
  },
  {
    name: 'no deduplication by session (thesis 6.3)',
    file: `${CLUSTER}/map-state.js`,
    find: 'if (last !== undefined && last.sequence === sequence)',
    replace: 'if (last !== undefined && last.sequence === sequence && last.sequence < 0)',
  },
  {
    name: 'window stays full after its responses were lost',
    file: `${CORE}/followers.js`,
    find: 'progress.forceAppend = true;',
    replace: 'progress.forceAppend = false;',
  },
];
