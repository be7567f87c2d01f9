import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CATALOGS_MAX, FormatError, TriremeError } from '@trireme/domain';
import { changeCatalogs, isSameSet, parseCatalogChange, parseCatalogList } from './catalog-set.js';

const many = Array.from({ length: CATALOGS_MAX }, (_, i) => `catalog-${i + 1}`);

function assertRefused(call: () => unknown, status: string, message: RegExp): void {
  assert.throws(
    call,
    (error: unknown) =>
      error instanceof TriremeError && error.status === status && message.test(error.message),
  );
}

test('parseCatalogList reads distinct catalog ids; an empty text is an empty set', () => {
  assert.equal(parseCatalogList('catalog-1, catalog-2'), ['catalog-1', 'catalog-2']);
  assert.equal(parseCatalogList('catalog'), ['catalog']);
  assert.equal(parseCatalogList(''), []);
  assert.equal(parseCatalogList(many.join()), many);
  const one = `catalog-${'x'.repeat(57)}`;
  for (const text of [
    'replica-1',
    'catalog-1,',
    'catalog-1,catalog-1',
    one,
    `${many.join()},catalog-17`,
    '2',
  ]) {
    assert.throws(
      () => parseCatalogList(text),
      (error: unknown) => error instanceof FormatError,
      text,
    );
  }
});

test('isSameSet ignores the order of the ids', () => {
  assert.ok(isSameSet(['catalog-1', 'catalog-2'], ['catalog-2', 'catalog-1']));
  assert.ok(isSameSet([], []));
  assert.not.ok(isSameSet(['catalog-1'], ['catalog-2']));
  assert.not.ok(isSameSet(['catalog-1'], ['catalog-1', 'catalog-2']));
});

test('parseCatalogChange reads one addition or removal', () => {
  assert.equal(parseCatalogChange({ add: 'catalog-3' }), { add: 'catalog-3' });
  assert.equal(parseCatalogChange({ remove: 'catalog-3' }), { remove: 'catalog-3' });
  for (const body of [null, [], {}, { add: 'catalog-3', remove: 'catalog-1' }]) {
    assertRefused(() => parseCatalogChange(body), 'INVALID_REQUEST', /./);
  }
  for (const id of ['', '3', 'replica-1', 7, null, 'catalog-a b'])
    assertRefused(() => parseCatalogChange({ add: id }), 'INVALID_REQUEST', /invalid catalog id/);
});

test('changeCatalogs appends or removes a catalog', () => {
  assert.equal(changeCatalogs(['catalog-1'], { add: 'catalog-2' }), ['catalog-1', 'catalog-2']);
  assert.equal(changeCatalogs([], { add: 'catalog-2' }), ['catalog-2']);
  assert.equal(changeCatalogs(['catalog-1', 'catalog-2'], { remove: 'catalog-1' }), ['catalog-2']);
  assert.equal(changeCatalogs(['catalog-2'], { remove: 'catalog-2' }), []);
});

test('changeCatalogs refuses a change without effect, or one that exceeds the maximum', () => {
  const refused = (ids: readonly string[], change: { add: string } | { remove: string }, message: RegExp) =>
    assertRefused(() => changeCatalogs(ids, change), 'BAD_MEMBERSHIP', message);
  refused(['catalog-1'], { add: 'catalog-1' }, /already in the catalog set/);
  refused(['catalog-1'], { remove: 'catalog-2' }, /not in the catalog set: catalog-1/);
  refused([], { remove: 'catalog-2' }, /the set is empty/);
  refused(many, { add: 'catalog-17' }, /16 catalogs/);
});

test.run();
