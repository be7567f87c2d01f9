/** Which catalogs there are, and which one the cache follows. */
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { CATALOGS_MAX } from '@trireme/domain';
import { CatalogChoice } from './catalog-choice.js';
import { CatalogSet } from './catalog-set.js';

function urlsOf(roster: CatalogSet): Record<string, string> {
  return Object.fromEntries(roster.urls);
}

test('roster: a catalog is known by whoever knows its url, the latest word first', () => {
  const roster = new CatalogSet();
  roster.told('r1', [
    ['catalog-1', 'http://a'],
    ['catalog-2', null],
  ]);
  assert.equal(urlsOf(roster), { 'catalog-1': 'http://a' });
  roster.told('r2', [
    ['catalog-1', null],
    ['catalog-2', 'http://b'],
  ]);
  assert.equal(urlsOf(roster), { 'catalog-1': 'http://a', 'catalog-2': 'http://b' });
  roster.told('r2', [['catalog-1', 'http://c']]);
  assert.equal(
    urlsOf(roster),
    { 'catalog-1': 'http://c', 'catalog-2': 'http://b' },
    'r1 names the second one',
  );
});

test('roster: a catalog goes with the last replica that names it, and stays while nobody is linked', () => {
  const roster = new CatalogSet();
  roster.told('r1', [['catalog-1', 'http://a']]);
  roster.told('r1', [['catalog-1', null]]);
  assert.equal(urlsOf(roster), { 'catalog-1': 'http://a' }, 'it is named, and was there');
  roster.told('r2', [['catalog-2', 'http://b']]);
  roster.forget('r1');
  assert.equal(urlsOf(roster), { 'catalog-2': 'http://b' });
  roster.forget('r2');
  roster.forget('r2');
  assert.equal(urlsOf(roster), { 'catalog-2': 'http://b' });
  roster.told('r3', []);
  assert.equal(urlsOf(roster), {});
});

test('roster: it has a bound, whatever replicas tell', () => {
  const roster = new CatalogSet();
  for (const replica of ['r1', 'r2']) {
    const items = Array.from(
      { length: CATALOGS_MAX },
      (_, i) => [`catalog-${replica}${i}`, 'http://a'] as const,
    );
    roster.told(replica, items);
  }
  assert.is(roster.urls.size, CATALOGS_MAX);
});

/** Ids of catalogs in the order of a front-end's preference. */
function orderOf(frontend: string, ids: readonly string[]): readonly string[] {
  const choice = new CatalogChoice(frontend);
  for (const id of ids) choice.onOpened(id, 0);
  const order: string[] = [];
  for (const first of ids) choice.moveTo(first);
  // The one that is moved to comes first; what is preferred to it tells the rest.
  for (let left = ids.length; left > 0; left -= 1) {
    const best = choice.preferred(1, 0) ?? choice.current ?? '';
    order.push(best);
    choice.onClosed(best);
  }
  return order;
}

test('choice: each front-end has an order of its own, the same whoever is linked first', () => {
  const ids = ['catalog-1', 'catalog-2', 'catalog-3'];
  assert.equal(orderOf('frontend-1', ids), orderOf('frontend-1', ids.toReversed()));
  const firsts = Array.from({ length: 60 }, (_, i) => orderOf(`frontend-${i}`, ids)[0]);
  for (const id of ids)
    assert.ok(firsts.filter((first) => first === id).length > 8, `${id} is preferred by some`);
});

test('choice: the first one that is linked is current until its link closes, then the next one is', () => {
  const ids = ['catalog-1', 'catalog-2', 'catalog-3'];
  const [first = '', second = '', third = ''] = orderOf('frontend-1', ids);
  const choice = new CatalogChoice('frontend-1');
  assert.is(choice.current, null);
  assert.is(choice.next([]), null);
  choice.onOpened(third, 0);
  choice.onOpened(first, 5);
  choice.onOpened(second, 6);
  assert.is(choice.current, third);
  assert.equal([choice.next([]), choice.next([third]), choice.next([third, first])], [third, first, second]);
  assert.is(choice.next(ids), null);
  choice.onClosed(third);
  assert.is(choice.current, first);
  choice.onClosed(second);
  assert.is(choice.current, first);
  choice.onClosed(first);
  assert.is(choice.current, null);
  choice.moveTo(first);
  assert.is(choice.current, null, 'it is not linked');
});

test('choice: a preferred one is returned to once it has been linked for long enough', () => {
  const [first = '', second = ''] = orderOf('frontend-1', ['catalog-1', 'catalog-2']);
  const choice = new CatalogChoice('frontend-1');
  choice.onOpened(second, 0);
  choice.onOpened(first, 100);
  assert.is(choice.preferred(1_099, 1_000), null);
  assert.is(choice.preferred(1_100, 1_000), first);
  choice.moveTo(first);
  assert.is(choice.preferred(9_999, 1_000), null, 'none is preferred to it');
  choice.onClosed(first);
  choice.onOpened(first, 5_000);
  assert.is(choice.current, second);
  assert.is(choice.preferred(5_999, 1_000), null, 'its new link counts');
});

test.run();
