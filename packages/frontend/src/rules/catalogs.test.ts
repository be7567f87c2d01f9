/** The catalog set, and the choice of the catalog that the cache follows. */
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { CATALOGS_MAX } from '@trireme/domain';
import { CatalogSelector } from './catalog-selector.js';
import { CatalogSet } from './catalog-set.js';

function urlsOf(set: CatalogSet): Record<string, string> {
  return Object.fromEntries(set.urls);
}

test('CatalogSet: urls merges the lists of all replicas, the latest one first', () => {
  const set = new CatalogSet();
  set.onList('r1', [
    ['catalog-1', 'http://a'],
    ['catalog-2', null],
  ]);
  assert.equal(urlsOf(set), { 'catalog-1': 'http://a' });
  set.onList('r2', [
    ['catalog-1', null],
    ['catalog-2', 'http://b'],
  ]);
  assert.equal(urlsOf(set), { 'catalog-1': 'http://a', 'catalog-2': 'http://b' });
  set.onList('r2', [['catalog-1', 'http://c']]);
  assert.equal(urlsOf(set), { 'catalog-1': 'http://c', 'catalog-2': 'http://b' }, 'r1 lists the second one');
});

test('CatalogSet: a catalog is removed with the last replica that lists it, but kept while none is linked', () => {
  const set = new CatalogSet();
  set.onList('r1', [['catalog-1', 'http://a']]);
  set.onList('r1', [['catalog-1', null]]);
  assert.equal(urlsOf(set), { 'catalog-1': 'http://a' }, 'it is still listed, so its last URL is kept');
  set.onList('r2', [['catalog-2', 'http://b']]);
  set.onReplicaUnlinked('r1');
  assert.equal(urlsOf(set), { 'catalog-2': 'http://b' });
  set.onReplicaUnlinked('r2');
  set.onReplicaUnlinked('r2');
  assert.equal(urlsOf(set), { 'catalog-2': 'http://b' });
  set.onList('r3', []);
  assert.equal(urlsOf(set), {});
});

test('CatalogSet: urls has at most CATALOGS_MAX entries', () => {
  const set = new CatalogSet();
  for (const replica of ['r1', 'r2']) {
    const items = Array.from(
      { length: CATALOGS_MAX },
      (_, i) => [`catalog-${replica}${i}`, 'http://a'] as const,
    );
    set.onList(replica, items);
  }
  assert.is(set.urls.size, CATALOGS_MAX);
});

/** Ids of catalogs in the order of a front-end's preference. */
function orderOf(frontend: string, ids: readonly string[]): readonly string[] {
  const choice = new CatalogSelector(frontend);
  for (const id of ids) choice.onOpened(id, 0);
  const order: string[] = [];
  for (const first of ids) choice.select(first);
  // `preferred` returns the catalogs that precede the current one, in order.
  for (let left = ids.length; left > 0; left -= 1) {
    const best = choice.preferredCatalog(1, 0) ?? choice.current ?? '';
    order.push(best);
    choice.onClosed(best);
  }
  return order;
}

test('CatalogSelector: each front-end has its own order, independent of the order of linking', () => {
  const ids = ['catalog-1', 'catalog-2', 'catalog-3'];
  assert.equal(orderOf('frontend-1', ids), orderOf('frontend-1', ids.toReversed()));
  const firsts = Array.from({ length: 60 }, (_, i) => orderOf(`frontend-${i}`, ids)[0]);
  for (const id of ids) assert.ok(firsts.filter((first) => first === id).length > 8, `some prefer ${id}`);
});

test('CatalogSelector: the first linked catalog is current until its link closes, then the next one', () => {
  const ids = ['catalog-1', 'catalog-2', 'catalog-3'];
  const [first = '', second = '', third = ''] = orderOf('frontend-1', ids);
  const choice = new CatalogSelector('frontend-1');
  assert.is(choice.current, null);
  assert.is(choice.nextToAsk([]), null);
  choice.onOpened(third, 0);
  choice.onOpened(first, 5);
  choice.onOpened(second, 6);
  assert.is(choice.current, third);
  assert.equal(
    [choice.nextToAsk([]), choice.nextToAsk([third]), choice.nextToAsk([third, first])],
    [third, first, second],
  );
  assert.is(choice.nextToAsk(ids), null);
  choice.onClosed(third);
  assert.is(choice.current, first);
  choice.onClosed(second);
  assert.is(choice.current, first);
  choice.onClosed(first);
  assert.is(choice.current, null);
  choice.select(first);
  assert.is(choice.current, null, 'it is not linked');
});

test('CatalogSelector: preferred returns a catalog only after its link has been open long enough', () => {
  const [first = '', second = ''] = orderOf('frontend-1', ['catalog-1', 'catalog-2']);
  const choice = new CatalogSelector('frontend-1');
  choice.onOpened(second, 0);
  choice.onOpened(first, 100);
  assert.is(choice.preferredCatalog(1_099, 1_000), null);
  assert.is(choice.preferredCatalog(1_100, 1_000), first);
  choice.select(first);
  assert.is(choice.preferredCatalog(9_999, 1_000), null, 'no catalog is preferred to it');
  choice.onClosed(first);
  choice.onOpened(first, 5_000);
  assert.is(choice.current, second);
  assert.is(choice.preferredCatalog(5_999, 1_000), null, 'the time counts from its new link');
});

test.run();
