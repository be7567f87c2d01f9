import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCatalogSet } from './catalogs.js';

const ONE = { id: 'catalog-1', url: 'http://127.0.0.1:8161', linked: true, hasAuthority: true };
const SET = {
  self: '1',
  index: 7,
  catalogs: [ONE, { ...ONE, id: 'catalog-2', url: null, hasAuthority: null }],
};

test('parseCatalogSet reads the set and ignores other fields', () => {
  assert.equal(parseCatalogSet({ ...SET, role: 'leader', term: 3 }), SET);
  assert.equal(parseCatalogSet({ ...SET, catalogs: [] }), { ...SET, catalogs: [] });
});

test('parseCatalogSet returns null for an invalid answer', () => {
  for (const bad of [null, 'x', {}, { ...SET, index: '7' }, { ...SET, catalogs: null }, { ...SET, self: 1 }])
    assert.is(parseCatalogSet(bad), null);
  for (const bad of [
    null,
    { ...ONE, id: 1 },
    { ...ONE, url: 1 },
    { ...ONE, linked: 1 },
    { ...ONE, hasAuthority: 1 },
  ])
    assert.is(parseCatalogSet({ ...SET, catalogs: [ONE, bad] }), null);
});

test.run();
