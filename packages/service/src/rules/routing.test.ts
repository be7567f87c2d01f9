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

test('actions go by POST and need the secret; a path may be read as well', () => {
  const actions = ['/members', '/transfer'] as const;
  const guarded = ['/members'] as const;
  const ask = (method: string, target: string, authorized = true) =>
    route<'/members' | '/transfer'>(method, target, guarded, authorized, actions);
  assert.equal(ask('POST', '/members/'), { kind: 'action', path: '/members' });
  assert.equal(ask('GET', '/members'), { kind: 'guarded', path: '/members' });
  for (const method of ['GET', 'POST']) {
    const refused = ask(method, '/members', false);
    assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
  }
  const reading = ask('GET', '/transfer');
  assert.equal(reading.kind === 'refused' && reading.headers, { allow: 'POST' });
  const putting = ask('PUT', '/members', false);
  assert.equal(putting.kind === 'refused' && putting.headers, { allow: 'GET, HEAD, POST' });
});

test('the path of a target', () => {
  assert.is(pathOf('/'), '/');
  assert.is(pathOf('/a/?b=/c/'), '/a');
  assert.is(pathOf('/a//'), '/a/');
});

test.run();
