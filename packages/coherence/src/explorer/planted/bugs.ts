/**
 * Bugs to plant. Each is one change to one compiled file. `find` must occur exactly once, so that an outdated
 * row cannot silently plant nothing. `scenario` names a scenario in which the search finds the bug.
 */
export interface ExplorerMutation {
  readonly name: string;
  readonly scenario: string;
  /** Compiled file, relative to `dist`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Whether the bug breaks rule E, so that only the check of fairness finds it. */
  readonly isLiveness?: true;
}

const LEADER = 'rules/leader.js';
const CATALOG = 'rules/catalog.js';
const SESSIONS = 'rules/sessions.js';
const CACHE = 'rules/cache.js';
const RAFT = 'explorer/raft-part.js';

export const PLANTED_BUGS: readonly ExplorerMutation[] = [
  {
    name: 'authority granted without a confirmed round',
    scenario: 'two leaders',
    file: LEADER,
    find: "effects.push({ do: 'confirm', link, id: request.id });",
    replace: 'effects.push(...this.onRoundEnd(link, request.id, true, now));',
  },
  {
    name: 'round started before the request',
    scenario: 'two leaders',
    file: RAFT,
    find: 'id: effect.id, isConfirmed: false }',
    replace: 'id: effect.id, isConfirmed: true }',
  },
  {
    name: 'authority granted before an entry of the own term is committed',
    scenario: 'addition inherited',
    file: LEADER,
    find: 'committed >= firstIndexOfTerm && ',
    replace: '',
  },
  {
    name: 'authority granted while a leader with an older log may be elected',
    scenario: 'removal in an older log',
    file: LEADER,
    find: 'committed >= firstIndexOfTerm && ',
    replace: '',
  },
  {
    name: 'authority granted while the catalog catches up',
    scenario: 'half-open links',
    file: LEADER,
    find: ' || record.isCatchingUp',
    replace: '',
  },
  {
    name: 'lease granted longer than the authority',
    scenario: 'two leaders',
    file: CATALOG,
    find: 'Math.min(this.#timing.leaseMs, this.#authority.remainingMs(now))',
    replace: 'this.#timing.leaseMs',
  },
  {
    name: 'lease counted from the grant instead of the request',
    scenario: 'two leaders',
    file: 'rules/lease.js',
    find: 'requestedAt + holderLeaseMs(ms)',
    replace: 'holderLeaseMs(ms)',
  },
  {
    name: 'new leader does not wait for authority granted by older leaders',
    scenario: 'two leaders',
    file: LEADER,
    find: 'newRecord(0, [older])',
    replace: 'newRecord(0, [])',
  },
  {
    name: 'leader forgets the authority of a disconnected catalog',
    scenario: 'broken links',
    file: LEADER,
    find: 'if (record !== null)\n            detach(record);',
    replace:
      'if (record !== null) {\n            detach(record);\n            record.grants = [];\n        }',
  },
  {
    name: 'leader announces committed entries as visible',
    scenario: 'authority expires',
    file: LEADER,
    find: 'visible = Math.min(visible, visibleFor(record));',
    replace: '',
  },
  {
    name: 'leader answers a read before committed entries are visible',
    scenario: 'reads at leaders',
    file: RAFT,
    find: 'visibleFrom: state.committed',
    replace: 'visibleFrom: 0',
  },
  {
    name: 'catalog answers a pending stock',
    scenario: 'authority expires',
    file: CATALOG,
    find: 'if (visibleFrom === null)',
    replace: 'if (true)',
  },
  {
    name: 'list does not wait for pending stocks',
    scenario: 'lists of two stocks',
    file: CATALOG,
    find: 'const visibleFrom = name === null ? last : ',
    replace: 'const visibleFrom = name === null ? null : ',
  },
  {
    name: 'catalog lets front-ends cache a pending stock',
    scenario: 'two entries',
    file: CATALOG,
    find: 'this.#lastNaming(name) === null && this.#isListed(name)',
    replace: 'this.#isListed(name)',
  },
  {
    name: 'catalog reports an entry before front-ends have dropped its stocks',
    scenario: 'two leaders',
    file: SESSIONS,
    find: 'if (isWaiting && leaseUntil > now)',
    replace: 'if (false)',
  },
  {
    name: 'catalog forgets the lease of a disconnected front-end',
    scenario: 'broken links',
    file: SESSIONS,
    find: 'session.open = false;',
    replace: 'this.state.delete(link);',
  },
  {
    name: 'catalog does not wait for an earlier revocation',
    scenario: 'broken links',
    file: SESSIONS,
    find: 'const isWaiting = session.sentSeq > session.droppedSeq;',
    replace: 'const isWaiting = revoked.length > 0;',
  },
  {
    name: 'catalog keeps older authority when it attaches',
    scenario: 'broken links',
    file: CATALOG,
    find: 'this.#authority.end();',
    replace: '',
  },
  {
    name: 'catalog does not revoke stocks when it installs a snapshot',
    scenario: 'broken links',
    file: CATALOG,
    find: '...this.#receive(message.index, [], null, now)',
    replace: '...this.#receive(message.index, [], [], now)',
  },
  {
    name: 'catalog handles a late message of an older link',
    scenario: 'late messages',
    file: CATALOG,
    find: 'if (link !== state.leader)',
    replace: 'if (false)',
  },
  {
    name: 'reports of a restarted catalog count for its predecessor',
    scenario: 'catalog restarts',
    file: LEADER,
    find: 'grant.process === process ?',
    replace: 'true ?',
  },
  {
    name: 'attach without authority ends the wait of a new leader',
    scenario: 'catalog restarts',
    file: LEADER,
    find: 'if (hadAuthority)',
    replace: 'if (true)',
  },
  {
    name: 'authority granted to two processes of one catalog',
    scenario: 'two processes',
    file: LEADER,
    find: 'return record.grants.every(({ process }) => process === record.process);',
    replace: 'return true;',
  },
  {
    name: 'front-end caches an answer that is not cacheable',
    scenario: 'two entries',
    file: CACHE,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (link === this.#link)',
  },
  {
    name: 'front-end caches an answer of an older link',
    scenario: 'late answers',
    file: CACHE,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (cacheable)',
  },
  {
    name: 'front-end acknowledges a revocation without dropping the stock',
    scenario: 'two leaders',
    file: CACHE,
    find: 'for (const name of names)\n            this.values.delete(name);',
    replace: '',
  },
  {
    name: 'new leader uses the initial catalog set instead of its log',
    scenario: 'catalog added',
    file: RAFT,
    find: 'const ids = catalogSet(initialSet, log);',
    replace: 'const ids = initialSet;',
  },
  {
    name: 'added catalog gets authority before its entry is committed',
    scenario: 'catalog added',
    file: LEADER,
    find: ' && committed >= record.addedAt',
    replace: '',
  },
  {
    name: 'catalog removed while it may hold authority',
    scenario: 'catalog removed',
    file: LEADER,
    find: 'return record.isRetired && record.grants.length === 0;',
    replace: 'return true;',
  },
  {
    name: 'round never ends',
    scenario: 'two leaders',
    file: LEADER,
    find: 'record.round = null;\n        const effects = [];',
    replace: 'const effects = [];',
    isLiveness: true,
  },
  {
    name: 'look-up waits for one entry too many',
    scenario: 'longer authority',
    file: CATALOG,
    find: 'if (lookup.visibleFrom <= index)',
    replace: 'if (lookup.visibleFrom < index)',
    isLiveness: true,
  },
  {
    name: 'caught-up catalog is not sent the visible index',
    scenario: 'longer authority',
    file: LEADER,
    find: 'return [visible, ...this.advance(now)];',
    replace: 'return this.advance(now);',
    isLiveness: true,
  },
  {
    name: 'catalog does not repeat its reports to a new leader',
    scenario: 'two leaders',
    file: CATALOG,
    find: 'state.reportedIndex = state.visibleIndex;',
    replace: '',
    isLiveness: true,
  },
];
