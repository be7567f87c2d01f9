/** Planted bugs in snapshots and compaction. */
import { CORE, CLUSTER, type Mutation } from '../mutation.js';

export const SNAPSHOTS: readonly Mutation[] = [
  {
    name: 'snapshot without sessions (thesis 6.3)',
    file: `${CLUSTER}/snapshot.js`,
    find: 'sessions: [...sessions] };',
    replace: 'sessions: [] };',
  },
  {
    name: 'log reset before the snapshot is installed (Raft 7)',
    file: 'raft/dist/recovery.js',
    find: 'await snapshots.install(base);\n    await storage.persist({ base, hardState: null, entries });',
    replace: 'await storage.persist({ base, hardState: null, entries });\n    await snapshots.install(base);',
  },
  {
    name: 'interrupted install is not finished at the next start',
    file: 'raft/dist/node.js',
    find: 'await completeInterruptedInstall(options.storage, options.stateMachine);',
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
    name: 'log compacted beyond the durable state',
    file: 'raft/dist/compactor.js',
    find: 'const durable = await snapshots.sync();',
    replace: 'await snapshots.sync();\n        const durable = this.#options.machine.applied;',
  },
  {
    name: 'snapshot acknowledged before it is durable',
    file: `${CORE}/follower.js`,
    find: "outbox.sendWhenDurable({ type: 'appendAccepted', from, to, term, match: log.commit });",
    replace: "outbox.send({ type: 'appendAccepted', from, to, term, match: log.commit });",
  },
  {
    name: 'follower that needs a snapshot gets none',
    file: `${CORE}/followers.js`,
    find: 'this.#snapshots.push(to);',
    replace: 'this.#snapshots.length = 0;',
  },
  {
    name: 'snapshot without the membership (Raft 7)',
    file: `${CORE}/log.js`,
    find: 'term: this.term(index), membership: this.memberships.at(index) }',
    replace: 'term: this.term(index), membership: NO_BASE.membership }',
  },
];
