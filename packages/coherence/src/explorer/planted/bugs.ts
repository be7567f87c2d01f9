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
}

const LEADER = 'rules/leader.js';
const CATALOG = 'rules/catalog.js';
const SESSIONS = 'rules/sessions.js';
const CACHE = 'rules/cache.js';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'authority granted without a confirmed round',
    scenario: 'two leaders',
    file: LEADER,
    find: "[{ do: 'confirm', link, id: message.id }]",
    replace: 'this.confirmed(link, message.id, now)',
  },
  {
    name: 'round started before the request',
    scenario: 'two leaders',
    file: 'explorer/raft-part.js',
    find: 'id: effect.id, isAcknowledged: false }',
    replace: 'id: effect.id, isAcknowledged: true }',
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
    find: 'if (record !== null)\n            record.link = null;',
    replace:
      'if (record !== null) {\n            record.link = null;\n            record.grants = [];\n        }',
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
    file: 'explorer/raft-part.js',
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
    name: 'catalog lets a stock in doubt be kept',
    scenario: 'two entries',
    file: CATALOG,
    find: 'const cacheable = this.#lastNaming(name) === null;',
    replace: 'const cacheable = true;',
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
    name: 'catalog serves before it has received what was logged',
    scenario: 'broken links',
    file: CATALOG,
    find: 'state.receivedNeeded = message.logged;',
    replace: ';',
  },
  {
    name: 'catalog reports a snapshot before the front-ends have dropped',
    scenario: 'broken links',
    file: CATALOG,
    find: '...this.#receive(message.index, [], null, now)',
    replace: '...this.#receive(message.index, [], [], now)',
  },
  {
    name: 'restarted catalog attaches at once',
    scenario: 'catalog restarts',
    file: CATALOG,
    find: 'attachFrom: now + honouredMs(authorityMs)',
    replace: 'attachFrom: now',
  },
  {
    name: 'front-end keeps a fill that it may not keep',
    scenario: 'two entries',
    file: CACHE,
    find: 'if (cacheable)',
    replace: 'if (true)',
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
    file: 'explorer/raft-part.js',
    find: 'const set = catalogSet(this.#scenario, log);',
    replace: 'const set = this.#scenario.initialSet;',
  },
  {
    name: 'catalog added with authority before the entry is committed',
    scenario: 'catalog added',
    file: LEADER,
    find: 'record.memberFrom > this.state.committed',
    replace: 'false',
  },
  {
    name: 'catalog removed while it may hold authority',
    scenario: 'catalog removed',
    file: LEADER,
    find: 'return record.retired && record.grants.length === 0;',
    replace: 'return true;',
  },
];
