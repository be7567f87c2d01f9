import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pathOf, route } from './routing.js';

const GUARDED = ['/export'] as const;

test('open paths need no secret, with a slash or a query or not', () => {
  for (const target of ['/livez', '/livez/', '/livez?x=1', '/livez/?x=1']) {
    assert.equal(route('GET', target, GUARDED, false), { kind: 'open', path: '/livez' });
  }
  assert.equal(route('HEAD', '/status', GUARDED, false), { kind: 'open', path: '/status' });
  assert.equal(route('GET', '/metrics', GUARDED, false), { kind: 'open', path: '/metrics' });
});

test('guarded paths need it', () => {
  assert.equal(route('GET', '/export', GUARDED, true), { kind: 'guarded', path: '/export' });
  const refused = route('GET', '/export', GUARDED, false);
  assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
});

test('unknown paths are 404 whatever the method, known ones 405 with Allow', () => {
  for (const target of ['/', '', '/x', '//livez', '/livez/x', '/constructor', '*']) {
    const refused = route('POST', target, GUARDED, true);
    assert.is(refused.kind === 'refused' && refused.error.status, 'ROUTE_NOT_FOUND', target);
  }
  for (const target of ['/livez', '/export']) {
    const refused = route('POST', target, GUARDED, false);
    assert.is(refused.kind === 'refused' && refused.error.httpStatus, 405);
    assert.equal(refused.kind === 'refused' && refused.headers, { allow: 'GET, HEAD' });
  }
});

test('the path of a target', () => {
  assert.is(pathOf('/'), '/');
  assert.is(pathOf('/a/?b=/c/'), '/a');
  assert.is(pathOf('/a//'), '/a/');
});

test.run();
