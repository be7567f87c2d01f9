/**
 * Bugs to plant in the order path, the catalogs and the cache: each is one change to one compiled file. The text must occur
 * exactly once, so that a row cannot silently plant nothing.
 */
import type { Mutation } from '@trireme/raft/sim';

const ORDERS = 'packages/orders/dist';
const RULES = `${ORDERS}/rules`;
const COHERENCE = 'packages/coherence/dist/rules';
const CATALOG = 'packages/catalog/dist/rules';

const ORDER_PATH: readonly Mutation[] = [
  {
    name: 'queue forgets a key once it is told',
    file: `${RULES}/command-queue.js`,
    find: 'open.isTold = true;',
    replace: 'open.isTold = true;\n        this.#open.delete(open.command.key);',
  },
  {
    name: 'repeated key is told the number of the next order',
    file: `${RULES}/idempotency-index.js`,
    find: 'let number = firstNumber - 1;',
    replace: 'let number = firstNumber;',
  },
  {
    name: 'leader does not ask the book for a key',
    file: `${ORDERS}/leader-session.js`,
    find: '(key) => known.find(key)',
    replace: '() => known.find("")',
  },
  {
    name: 'order answered once it is decided, before it is visible',
    file: `${ORDERS}/leader-session.js`,
    find: 'this.#queue.decided(batch);',
    replace: 'this.#queue.decided(batch);\n                this.#o.answer(this.#queue.visible(batch.index));',
  },
  {
    name: 'command of an earlier leader answered before it is visible',
    file: `${RULES}/command-queue.js`,
    find: 'if (index <= this.#visibleIndex)\n            return true;',
    replace: 'return true;',
  },
  {
    name: 'new leader shows orders of earlier ones before it has waited',
    file: `${RULES}/command-queue.js`,
    find: 'this.#visibleOrders = visibleOrders;',
    replace: 'this.#visibleOrders = orders;',
  },
  {
    name: 'log told of more visible orders than there are',
    file: `${ORDERS}/leader-session.js`,
    find: 'const { visibleOrders } = this.#queue;',
    replace: 'const visibleOrders = this.#o.machine.book.meta.orders;',
  },
  {
    name: 'order read before it is visible',
    file: `${ORDERS}/reads.js`,
    find: 'return Math.min(stored.orders, session?.visibleOrders ?? stored.visibleOrders);',
    replace: 'return stored.orders;',
  },
  {
    name: 'order read without a confirmed read',
    file: `${ORDERS}/leader-session.js`,
    find: 'whenComplete(items, done) {\n        this.#o.node.read().then(',
    replace: 'whenComplete(items, done) {\n        Promise.resolve().then(',
  },
  {
    name: 'order missing while the store lacks what was told',
    file: `${ORDERS}/leader-session.js`,
    find: 'this.#waits.wait(toldIndex, readableIndex, items, done);',
    replace: 'done(true);',
  },
  {
    name: 'look-up at the leader without a confirmed read',
    file: `${ORDERS}/leader-session.js`,
    find: 'whenVisible(items, done) {\n        this.#o.node.read().then(',
    replace: 'whenVisible(items, done) {\n        Promise.resolve().then(',
  },
  {
    name: 'look-up at the leader shows what is not visible',
    file: `${RULES}/catalog-feed.js`,
    find: 'new VisibleStocks(this.#book.stocks, this.#recent.after(visible))',
    replace: 'new VisibleStocks(this.#book.stocks, [])',
  },
  {
    name: 'stocks undone to their state before the last invisible batch, not the first',
    file: `${RULES}/recent-batches.js`,
    find: 'if (!this.#before.has(name))',
    replace: '',
  },
  {
    name: 'key expires by the wall clock',
    file: `${RULES}/log-clock.js`,
    find: 'age: this.#startAge + Math.floor(now - this.#startedAt),',
    replace: 'age: Math.max(this.#startAge, Math.floor(Date.now())),',
  },
  {
    name: 'stocks left out of what is written',
    file: `${RULES}/book.js`,
    find: "writes.push({ table: 'stock', name, value });",
    replace: ';',
  },
  {
    name: 'set of catalogs not noted in the book',
    file: `${RULES}/book.js`,
    find: 'meta.catalogs = batch.catalogs;',
    replace: '',
  },
];

const FEED: readonly Mutation[] = [
  {
    name: 'catch-up with a hole',
    file: `${RULES}/catalog-feed.js`,
    find: '...this.#recent.after(after), ...this.#logged.all',
    replace: '...this.#recent.after(after).slice(1), ...this.#logged.all',
  },
  {
    name: 'snapshot of what is applied instead of what is visible',
    file: `${RULES}/catalog-feed.js`,
    find: 'Array.from(this.stocks.all()',
    replace: 'Array.from(this.#book.stocks.all()',
  },
  {
    name: 'new leader waits for no catalog',
    file: `${RULES}/catalog-feed.js`,
    find: 'book.meta.catalogs, authorityMs',
    replace: '[], authorityMs',
  },
  {
    name: 'new leader does not wait for what older ones granted',
    file: `${COHERENCE}/leader.js`,
    find: 'newRecord(0, [older])',
    replace: 'newRecord(0, [])',
  },
  {
    name: 'leader forgets a catalog that fell silent',
    file: `${COHERENCE}/leader.js`,
    find: 'if (record !== null)\n            detach(record);',
    replace:
      'if (record !== null) {\n            detach(record);\n            record.grants = [];\n        }',
  },
  {
    name: 'leader announces what is only committed',
    file: `${COHERENCE}/leader.js`,
    find: 'visible = Math.min(visible, visibleFor(record));',
    replace: '',
  },
  {
    name: 'authority granted without a confirmed round',
    file: `${COHERENCE}/leader.js`,
    find: "effects.push({ do: 'confirm', link, id: request.id });",
    replace: 'effects.push(...this.onRoundEnd(link, request.id, true, now));',
  },
];

const CATALOGS: readonly Mutation[] = [
  {
    name: 'catalog answers a stock in doubt',
    file: `${COHERENCE}/catalog.js`,
    find: 'if (visibleFrom === null)',
    replace: 'if (true)',
  },
  {
    name: 'catalog lets a stock in doubt be kept',
    file: `${COHERENCE}/catalog.js`,
    find: 'this.#lastNaming(name) === null && this.#isListed(name)',
    replace: 'this.#isListed(name)',
  },
  {
    name: 'catalog does not revoke what a snapshot replaces',
    file: `${COHERENCE}/catalog.js`,
    find: '...this.#receive(message.index, [], null, now)',
    replace: '...this.#receive(message.index, [], [], now)',
  },
  {
    name: 'catalog keeps older authority when it attaches',
    file: `${COHERENCE}/catalog.js`,
    find: 'this.#authority.end();',
    replace: '',
  },
  {
    name: 'catalog gives leases longer than its authority',
    file: `${COHERENCE}/catalog.js`,
    find: 'Math.min(this.#timing.leaseMs, this.#authority.remainingMs(now))',
    replace: 'this.#timing.leaseMs',
  },
  {
    name: 'catalog reports before the front-ends have dropped',
    file: `${COHERENCE}/sessions.js`,
    find: 'if (isWaiting && leaseUntil > now)',
    replace: 'if (false)',
  },
  {
    name: 'catalog forgets a front-end whose link broke',
    file: `${COHERENCE}/sessions.js`,
    find: 'session.open = false;',
    replace: 'this.state.delete(link);',
  },
  {
    name: 'catalog applies entries when they come, before they are visible',
    file: `${CATALOG}/catalog.js`,
    find: "this.#fromLeader(attachment, { t: 'entry', index, names: namesOf(frame) });",
    replace:
      "this.#fromLeader(attachment, { t: 'entry', index, names: namesOf(frame) });\n                this.#log.apply(index, new Map(), null);",
  },
];

const CACHE: readonly Mutation[] = [
  {
    name: 'front-end keeps a fill that it may not keep',
    file: `${COHERENCE}/cache.js`,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (link === this.#link)',
  },
  {
    name: 'front-end keeps fills of catalogs that it does not follow',
    file: `${COHERENCE}/cache.js`,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (cacheable)',
  },
  {
    name: 'front-end keeps its values when it moves to another catalog',
    file: `${COHERENCE}/cache.js`,
    find: '#clear() {\n        this.lease.end();\n        this.values.clear();',
    replace: '#clear() {\n        this.lease.end();',
  },
  {
    name: 'front-end serves past its lease',
    file: `${COHERENCE}/cache.js`,
    find: 'return this.lease.holds(now) ? this.values.get(name) : undefined;',
    replace: 'return this.values.get(name);',
  },
  {
    name: 'front-end answers dropped and keeps the stock',
    file: `${COHERENCE}/cache.js`,
    find: 'for (const name of names)\n            this.values.delete(name);',
    replace: '',
  },
  {
    name: 'lease clock stands still while the machine is suspended',
    file: 'raft/dist/frames/lease-clock.js',
    find: 'this.#skipped += gained;',
    replace: ';',
  },
];

export const PLANTED_BUGS: readonly Mutation[] = [...ORDER_PATH, ...FEED, ...CATALOGS, ...CACHE];
