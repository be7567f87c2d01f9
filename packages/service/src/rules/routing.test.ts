import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeError } from '@trireme/domain';
import { pathOf, route } from './routing.js';

const GUARDED = ['/export'] as const;
const REFUSED = new TriremeError('UNAUTHORIZED', 'the secret is wrong');

test('open paths require no secret, with or without a trailing slash and a query', () => {
  for (const target of ['/livez', '/livez/', '/livez?x=1', '/livez/?x=1']) {
    assert.equal(route('GET', target, GUARDED, REFUSED), { kind: 'open', path: '/livez' });
  }
  assert.equal(route('HEAD', '/status', GUARDED, REFUSED), { kind: 'open', path: '/status' });
  assert.equal(route('GET', '/metrics', GUARDED, REFUSED), { kind: 'open', path: '/metrics' });
});

test('guarded paths require the secret', () => {
  assert.equal(route('GET', '/export', GUARDED, null), { kind: 'guarded', path: '/export' });
  const refused = route('GET', '/export', GUARDED, REFUSED);
  assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
});

test('unknown paths give 404, and other methods at known paths 405 with Allow', () => {
  for (const target of ['/', '', '/x', '//livez', '/livez/x', '/constructor', '*']) {
    const refused = route('POST', target, GUARDED, null);
    assert.is(refused.kind === 'refused' && refused.error.status, 'ROUTE_NOT_FOUND', target);
  }
  for (const target of ['/livez', '/export']) {
    const refused = route('POST', target, GUARDED, REFUSED);
    assert.is(refused.kind === 'refused' && refused.error.httpStatus, 405);
    assert.equal(refused.kind === 'refused' && refused.headers, { allow: 'GET, HEAD' });
  }
});

test('actions require POST and the secret, and their path may be read as well', () => {
  const actions = ['/members', '/transfer'] as const;
  const guarded = ['/members'] as const;
  const ask = (method: string, target: string, refusal: TriremeError | null = null) =>
    route<'/members' | '/transfer'>(method, target, guarded, refusal, actions);
  assert.equal(ask('POST', '/members/'), { kind: 'action', path: '/members' });
  assert.equal(ask('GET', '/members'), { kind: 'guarded', path: '/members' });
  for (const method of ['GET', 'POST']) {
    const refused = ask(method, '/members', REFUSED);
    assert.is(refused.kind === 'refused' && refused.error.status, 'UNAUTHORIZED');
  }
  const reading = ask('GET', '/transfer');
  assert.equal(reading.kind === 'refused' && reading.headers, { allow: 'POST' });
  const putting = ask('PUT', '/members', REFUSED);
  assert.equal(putting.kind === 'refused' && putting.headers, { allow: 'GET, HEAD, POST' });
});

test('pathOf removes the query and one trailing slash', () => {
  assert.is(pathOf('/'), '/');
  assert.is(pathOf('/a/?b=/c/'), '/a');
  assert.is(pathOf('/a//'), '/a/');
});

test.run();
