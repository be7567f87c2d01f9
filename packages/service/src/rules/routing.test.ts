import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeError } from '@trireme/domain';
import { pathOf, route } from './routing.js';

const GUARDED = ['/export'] as const;
const STRANGER = new TriremeError('UNAUTHORIZED', 'who asks is a stranger');

test('open paths need no secret, with a slash or a query or not', () => {
  for (const target of ['/livez', '/livez/', '/livez?x=1', '/livez/?x=1']) {
    assert.equal(route('GET', target, GUARDED, STRANGER), { kind: 'open', path: '/livez' });
  }
  assert.equal(route('HEAD', '/status', GUARDED, STRANGER), { kind: 'open', path: '/status' });
  assert.equal(route('GET', '/metrics', GUARDED, STRANGER), { kind: 'open', path: '/metrics' });
});

test('guarded paths need it', () => {
  assert.equal(route('GET', '/export', GUARDED, null), { kind: 'guarded', path: '/export' });
  const refused = route('GET', '/export', GUARDED, STRANGER);
  assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
});

test('unknown paths are 404 whatever the method, known ones 405 with Allow', () => {
  for (const target of ['/', '', '/x', '//livez', '/livez/x', '/constructor', '*']) {
    const refused = route('POST', target, GUARDED, null);
    assert.is(refused.kind === 'refused' && refused.error.status, 'ROUTE_NOT_FOUND', target);
  }
  for (const target of ['/livez', '/export']) {
    const refused = route('POST', target, GUARDED, STRANGER);
    assert.is(refused.kind === 'refused' && refused.error.httpStatus, 405);
    assert.equal(refused.kind === 'refused' && refused.headers, { allow: 'GET, HEAD' });
  }
});

test('actions go by POST and need the secret; a path may be read as well', () => {
  const actions = ['/members', '/transfer'] as const;
  const guarded = ['/members'] as const;
  const ask = (method: string, target: string, refusal: TriremeError | null = null) =>
    route<'/members' | '/transfer'>(method, target, guarded, refusal, actions);
  assert.equal(ask('POST', '/members/'), { kind: 'action', path: '/members' });
  assert.equal(ask('GET', '/members'), { kind: 'guarded', path: '/members' });
  for (const method of ['GET', 'POST']) {
    const refused = ask(method, '/members', STRANGER);
    assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
  }
  const reading = ask('GET', '/transfer');
  assert.equal(reading.kind === 'refused' && reading.headers, { allow: 'POST' });
  const putting = ask('PUT', '/members', STRANGER);
  assert.equal(putting.kind === 'refused' && putting.headers, { allow: 'GET, HEAD, POST' });
});

test('the path of a target', () => {
  assert.is(pathOf('/'), '/');
  assert.is(pathOf('/a/?b=/c/'), '/a');
  assert.is(pathOf('/a//'), '/a/');
});

test.run();
