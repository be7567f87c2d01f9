/**
 * Bugs to plant, each one change to one compiled file. The text must occur exactly once, so that a row cannot silently
 * plant nothing. `scenario` names one in which the bug shows.
 */
export interface PlantedBug {
  readonly name: string;
  readonly scenario: string;
  /** Compiled file, relative to `dist`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** It breaks rule E, and shows only if that is checked. */
  readonly isLiveness?: true;
}

const LEADER = 'rules/leader.js';
const CATALOG = 'rules/catalog.js';
const SESSIONS = 'rules/sessions.js';
const CACHE = 'rules/cache.js';
const RAFT = 'explorer/raft-part.js';

export const PLANTED_BUGS: readonly PlantedBug[] = [
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
    find: 'committed >= readyFrom && ',
    replace: '',
  },
  {
    name: 'authority granted while an older log may still win',
    scenario: 'removal in an older log',
    file: LEADER,
    find: 'committed >= readyFrom && ',
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
    name: 'lease longer than the authority',
    scenario: 'two leaders',
    file: CATALOG,
    find: 'Math.min(this.#timing.leaseMs, this.#authority.remainingMs(now))',
    replace: 'this.#timing.leaseMs',
  },
  {
    name: 'lease counted from the grant instead of the request',
    scenario: 'two leaders',
    file: 'rules/lease.js',
    find: 'requestedAt + usableMs(ms)',
    replace: 'usableMs(ms)',
  },
  {
    name: 'new leader does not wait for what older ones granted',
    scenario: 'two leaders',
    file: LEADER,
    find: 'newRecord(0, [older])',
    replace: 'newRecord(0, [])',
  },
  {
    name: 'leader forgets a catalog that fell silent',
    scenario: 'broken links',
    file: LEADER,
    find: 'if (record !== null)\n            detach(record);',
    replace:
      'if (record !== null) {\n            detach(record);\n            record.grants = [];\n        }',
  },
  {
    name: 'leader announces what is only committed',
    scenario: 'lapses',
    file: LEADER,
    find: 'visible = Math.min(visible, visibleFor(record));',
    replace: '',
  },
  {
    name: 'leader shows a read what is only committed',
    scenario: 'reads at leaders',
    file: RAFT,
    find: 'visibleFrom: state.committed',
    replace: 'visibleFrom: 0',
  },
  {
    name: 'catalog serves a stock in doubt',
    scenario: 'lapses',
    file: CATALOG,
    find: 'if (visibleFrom === null)',
    replace: 'if (true)',
  },
  {
    name: 'list does not wait for entries in doubt',
    scenario: 'lists of two stocks',
    file: CATALOG,
    find: 'const visibleFrom = name === null ? last : ',
    replace: 'const visibleFrom = name === null ? null : ',
  },
  {
    name: 'catalog lets a stock in doubt be kept',
    scenario: 'two entries',
    file: CATALOG,
    find: 'this.#lastNaming(name) === null && this.#isListed(name)',
    replace: 'this.#isListed(name)',
  },
  {
    name: 'catalog reports before the front-ends have dropped',
    scenario: 'two leaders',
    file: SESSIONS,
    find: 'if (isWaiting && leaseUntil > now)',
    replace: 'if (false)',
  },
  {
    name: 'catalog forgets a front-end whose link broke',
    scenario: 'broken links',
    file: SESSIONS,
    find: 'session.open = false;',
    replace: 'this.state.delete(link);',
  },
  {
    name: 'catalog does not wait for an earlier revocation',
    scenario: 'broken links',
    file: SESSIONS,
    find: 'const isWaiting = session.sent > session.dropped;',
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
    name: 'catalog reports a snapshot before the front-ends have dropped',
    scenario: 'broken links',
    file: CATALOG,
    find: '...this.#receive(message.index, [], null, now)',
    replace: '...this.#receive(message.index, [], [], now)',
  },
  {
    name: 'catalog follows a late message of an older link',
    scenario: 'late messages',
    file: CATALOG,
    find: 'if (link !== state.leader)',
    replace: 'if (false)',
  },
  {
    name: 'what a restarted catalog reports ends the wait for the process before it',
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
    name: 'front-end keeps a fill that it may not keep',
    scenario: 'two entries',
    file: CACHE,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (link === this.#link)',
  },
  {
    name: 'front-end keeps a fill of an older link',
    scenario: 'late fills',
    file: CACHE,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (cacheable)',
  },
  {
    name: 'front-end answers dropped and keeps the stock',
    scenario: 'two leaders',
    file: CACHE,
    find: 'for (const name of names)\n            this.values.delete(name);',
    replace: '',
  },
  {
    name: 'set of catalogs taken from memory instead of the log',
    scenario: 'catalog added',
    file: RAFT,
    find: 'const ids = catalogSet(initialSet, log);',
    replace: 'const ids = initialSet;',
  },
  {
    name: 'catalog added with authority before the entry is committed',
    scenario: 'catalog added',
    file: LEADER,
    find: ' && committed >= record.memberFrom',
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
    name: 'round stays under way for ever',
    scenario: 'two leaders',
    file: LEADER,
    find: 'record.round = null;\n        const effects = [];',
    replace: 'const effects = [];',
    isLiveness: true,
  },
  {
    name: 'look-up waits for an entry after the one that it needs',
    scenario: 'longer authority',
    file: CATALOG,
    find: 'if (lookup.visibleFrom <= index)',
    replace: 'if (lookup.visibleFrom < index)',
    isLiveness: true,
  },
  {
    name: 'catalog is not told what is visible when it has caught up',
    scenario: 'longer authority',
    file: LEADER,
    find: 'return [visible, ...this.advance(now)];',
    replace: 'return this.advance(now);',
    isLiveness: true,
  },
  {
    name: 'catalog reports to a new leader only what it did not report to the old one',
    scenario: 'two leaders',
    file: CATALOG,
    find: 'state.reported = state.visible;',
    replace: '',
    isLiveness: true,
  },
];
