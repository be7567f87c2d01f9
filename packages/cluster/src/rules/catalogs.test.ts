import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCatalogs } from './catalogs.js';

const ONE = { id: 'catalog-1', url: 'http://127.0.0.1:8161', linked: true, hasAuthority: true };
const SET = {
  self: '1',
  index: 7,
  catalogs: [ONE, { ...ONE, id: 'catalog-2', url: null, hasAuthority: null }],
};

test('the set is read, and what else the answer tells is left out', () => {
  assert.equal(parseCatalogs({ ...SET, role: 'leader', term: 3 }), SET);
  assert.equal(parseCatalogs({ ...SET, catalogs: [] }), { ...SET, catalogs: [] });
});

test('an answer that does not tell of a set is none', () => {
  for (const bad of [null, 'x', {}, { ...SET, index: '7' }, { ...SET, catalogs: null }, { ...SET, self: 1 }])
    assert.is(parseCatalogs(bad), null);
  for (const bad of [
    null,
    { ...ONE, id: 1 },
    { ...ONE, url: 1 },
    { ...ONE, linked: 1 },
    { ...ONE, hasAuthority: 1 },
  ])
    assert.is(parseCatalogs({ ...SET, catalogs: [ONE, bad] }), null);
});

test.run();
