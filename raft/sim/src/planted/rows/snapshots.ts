/** Bugs to plant in snapshots and compaction. */
import { CORE, BOOK, type Mutation } from '../mutation.js';

export const SNAPSHOTS: readonly Mutation[] = [
  {
    name: 'snapshot without sessions (thesis 6.3)',
    file: `${BOOK}/snapshot.js`,
    find: 'sessions: [...sessions] };',
    replace: 'sessions: [] };',
  },
  {
    name: 'log begun anew before the snapshot is the state (Raft 7)',
    file: 'dist/recovery.js',
    find: 'await snapshots.install(base);\n    await storage.persist({ base, hardState: null, entries });',
    replace: 'await storage.persist({ base, hardState: null, entries });\n    await snapshots.install(base);',
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
    name: 'snapshot without the membership (Raft 7)',
    file: `${CORE}/log.js`,
    find: 'term: this.term(index), membership: this.memberships.at(index) }',
    replace: 'term: this.term(index), membership: NO_BASE.membership }',
  },
];
