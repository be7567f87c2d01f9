/**
 * Planted bugs in the order path, the catalogs and the cache. Each is one change to one compiled file. `find`
 * must occur exactly once, so that an outdated row cannot silently plant nothing.
 */
import type { Mutation } from '@trireme/raft-sim';

const ORDERS = 'packages/orders/dist';
const RULES = `${ORDERS}/rules`;
const COHERENCE = 'packages/coherence/dist/rules';
const CATALOG = 'packages/catalog/dist/rules';

const ORDER_PATH: readonly Mutation[] = [
  {
    name: 'repeated key gets the number of the next order',
    file: `${RULES}/book/idempotency-index.js`,
    find: 'let number = firstNumber - 1;',
    replace: 'let number = firstNumber;',
  },
  {
    name: 'leader does not look up keys in the order book',
    file: `${ORDERS}/leader/session.js`,
    find: '(key) => known.find(key)',
    replace: '() => known.find("")',
  },
  {
    name: 'order acknowledged when it is decided, before it is visible',
    file: `${ORDERS}/leader/session.js`,
    find: 'this.#queue.onDecided(batch);',
    replace:
      'this.#queue.onDecided(batch);\n                this.#options.answer(this.#queue.onVisible(batch.index));',
  },
  {
    name: 'command of an earlier leader acknowledged before it is visible',
    file: `${RULES}/leader/command-queue.js`,
    find: 'if (index <= this.#visibleIndex)\n            return true;',
    replace: 'return true;',
  },
  {
    name: 'new leader shows orders of earlier leaders before they are visible',
    file: `${RULES}/leader/command-queue.js`,
    find: 'this.#visibleOrders = visibleOrders;',
    replace: 'this.#visibleOrders = orders;',
  },
  {
    name: 'logged batch claims too many visible orders',
    file: `${ORDERS}/leader/batch-proposer.js`,
    find: 'const { visibleOrders } = queue;',
    replace: 'const visibleOrders = this.#options.book.meta.orders;',
  },
  {
    name: 'order read before it is visible',
    file: `${ORDERS}/replica/order-reads.js`,
    find: 'return Math.min(stored.orders, session?.visibleOrders ?? stored.visibleOrders);',
    replace: 'return stored.orders;',
  },
  {
    name: 'order read without a confirmed read',
    file: `${ORDERS}/leader/session.js`,
    find: 'waitForAcknowledged(items, done) {\n        this.#options.node.read().then(',
    replace: 'waitForAcknowledged(items, done) {\n        Promise.resolve().then(',
  },
  {
    name: 'leader answers a read before acknowledged orders are stored',
    file: `${ORDERS}/leader/session.js`,
    find: 'this.#waits.wait(acknowledgedIndex, readableIndex, items, done);',
    replace: 'done(true);',
  },
  {
    name: 'look-up at the leader without a confirmed read',
    file: `${ORDERS}/leader/session.js`,
    find: 'readVisibleStocks(items, done) {\n        this.#options.node.read().then(',
    replace: 'readVisibleStocks(items, done) {\n        Promise.resolve().then(',
  },
  {
    name: 'look-up at the leader shows values that are not visible',
    file: `${RULES}/leader/catalog-feed.js`,
    find: 'new VisibleStocks(this.#book.stocks, this.#recent.after(visible))',
    replace: 'new VisibleStocks(this.#book.stocks, [])',
  },
  {
    name: 'visible stocks computed from the last invisible batch only',
    file: `${RULES}/leader/recent-batches.js`,
    find: 'if (!this.#before.has(name))',
    replace: '',
  },
  {
    name: 'key expires by the wall clock',
    file: `${RULES}/leader/log-clock.js`,
    find: 'age: this.#startAge + Math.floor(now - this.#startedAt),',
    replace: 'age: Math.max(this.#startAge, Math.floor(Date.now())),',
  },
  {
    name: 'stocks not written to the order book',
    file: `${RULES}/book/book.js`,
    find: "writes.push({ table: 'stock', name, value });",
    replace: ';',
  },
  {
    name: 'catalog set not written to the order book',
    file: `${RULES}/book/book.js`,
    find: 'meta.catalogs = batch.catalogs;',
    replace: '',
  },
];

const FEED: readonly Mutation[] = [
  {
    name: 'catch-up with a missing entry',
    file: `${RULES}/leader/catalog-feed.js`,
    find: '...this.#recent.after(after), ...this.#logged.toArray',
    replace: '...this.#recent.after(after).slice(1), ...this.#logged.toArray',
  },
  {
    name: 'snapshot of applied instead of visible stocks',
    file: `${RULES}/leader/catalog-feed.js`,
    find: 'Array.from(this.stocks.all()',
    replace: 'Array.from(this.#book.stocks.all()',
  },
  {
    name: 'new leader waits for no catalog',
    file: `${RULES}/leader/catalog-feed.js`,
    find: 'book.meta.catalogs, authorityMs',
    replace: '[], authorityMs',
  },
  {
    name: 'new leader does not wait for authority granted by older leaders',
    file: `${COHERENCE}/leader.js`,
    find: 'newRecord(0, [older])',
    replace: 'newRecord(0, [])',
  },
  {
    name: 'leader forgets the authority of a disconnected catalog',
    file: `${COHERENCE}/leader.js`,
    find: 'if (record !== null)\n            detach(record);',
    replace:
      'if (record !== null) {\n            detach(record);\n            record.grants = [];\n        }',
  },
  {
    name: 'leader announces committed entries as visible',
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
    name: 'catalog answers a pending stock',
    file: `${COHERENCE}/catalog.js`,
    find: 'if (visibleFrom === null)',
    replace: 'if (true)',
  },
  {
    name: 'catalog lets front-ends cache a pending stock',
    file: `${COHERENCE}/catalog.js`,
    find: 'this.#lastNaming(name) === null && this.#isListed(name)',
    replace: 'this.#isListed(name)',
  },
  {
    name: 'catalog does not revoke stocks when it installs a snapshot',
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
    name: 'catalog grants leases longer than its authority',
    file: `${COHERENCE}/catalog.js`,
    find: 'Math.min(this.#timing.leaseMs, this.#authority.remainingMs(now))',
    replace: 'this.#timing.leaseMs',
  },
  {
    name: 'catalog reports an entry before front-ends have dropped its stocks',
    file: `${COHERENCE}/sessions.js`,
    find: 'if (isWaiting && leaseUntil > now)',
    replace: 'if (false)',
  },
  {
    name: 'catalog forgets the lease of a disconnected front-end',
    file: `${COHERENCE}/sessions.js`,
    find: 'session.open = false;',
    replace: 'this.state.delete(link);',
  },
  {
    name: 'catalog applies entries when they arrive, before they are visible',
    file: `${CATALOG}/catalog-core.js`,
    find: "this.#onLeaderMessage(attachment, { t: 'entry', index, names: namesOf(frame) });",
    replace:
      "this.#onLeaderMessage(attachment, { t: 'entry', index, names: namesOf(frame) });\n                this.#log.apply(index, new Map(), null);",
  },
];

const CACHE: readonly Mutation[] = [
  {
    name: 'front-end caches an answer that is not cacheable',
    file: `${COHERENCE}/cache.js`,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (link === this.#link)',
  },
  {
    name: 'front-end caches answers of a catalog that it does not follow',
    file: `${COHERENCE}/cache.js`,
    find: 'if (cacheable && link === this.#link)',
    replace: 'if (cacheable)',
  },
  {
    name: 'front-end keeps its cache when it moves to another catalog',
    file: `${COHERENCE}/cache.js`,
    find: '#clear() {\n        this.lease.end();\n        this.values.clear();',
    replace: '#clear() {\n        this.lease.end();',
  },
  {
    name: 'front-end answers from its cache after its lease has expired',
    file: `${COHERENCE}/cache.js`,
    find: 'return this.lease.isValid(now) ? this.values.get(name) : undefined;',
    replace: 'return this.values.get(name);',
  },
  {
    name: 'front-end acknowledges a revocation without dropping the stock',
    file: `${COHERENCE}/cache.js`,
    find: 'for (const name of names)\n            this.values.delete(name);',
    replace: '',
  },
  {
    name: 'lease clock stops while the machine is suspended',
    file: 'raft/dist/frames/lease-clock.js',
    find: 'this.#skipped += gained;',
    replace: ';',
  },
];

export const PLANTED_BUGS: readonly Mutation[] = [...ORDER_PATH, ...FEED, ...CATALOGS, ...CACHE];
