import { PROTOCOL_VERSION } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { handshakeHeaders, isName, checkHandshake, type LinkIdentity } from './handshake.js';

const SELF: LinkIdentity = { name: 'catalog', cluster: 'test', secret: 'a shared secret' };
const GOOD = handshakeHeaders({ ...SELF, name: 'frontend-1' });

test('checkHandshake accepts a process of the cluster', () => {
  assert.is(checkHandshake(SELF, GOOD, 'frontend'), null);
});

const REFUSED: readonly [string, number, Record<string, string | undefined>][] = [
  ['WRONG_CLUSTER', 403, { 'x-trireme-cluster': 'other' }],
  ['WRONG_CLUSTER', 403, { 'x-trireme-cluster': undefined }],
  ['WRONG_VERSION', 426, { 'x-trireme-version': String(PROTOCOL_VERSION + 1) }],
  ['WRONG_VERSION', 426, { 'x-trireme-version': undefined }],
  ['UNAUTHORIZED', 401, { 'x-trireme-secret': 'another secret' }],
  ['UNAUTHORIZED', 401, { 'x-trireme-secret': undefined }],
  ['INVALID_NAME', 400, { 'x-trireme-name': 'two words' }],
  ['INVALID_NAME', 400, { 'x-trireme-name': undefined }],
];

for (const [status, httpStatus, headers] of REFUSED) {
  test(`checkHandshake returns ${status} for ${JSON.stringify(headers)}`, () => {
    const refusal = checkHandshake(SELF, { ...GOOD, ...headers }, 'frontend');
    assert.is(refusal?.status, status);
    assert.is(refusal?.httpStatus, httpStatus);
    assert.not.match(JSON.stringify(refusal), 'a shared secret');
  });
}

test('a refusal contains only a short part of a header', () => {
  const refusal = checkHandshake(SELF, { ...GOOD, 'x-trireme-cluster': 'x'.repeat(10_000) }, 'frontend');
  assert.ok((refusal?.message.length ?? Infinity) < 200);
});

test('a cluster without a secret sends and requires none', () => {
  const open: LinkIdentity = { ...SELF, secret: null };
  assert.is('x-trireme-secret' in handshakeHeaders(open), false);
  assert.is(checkHandshake(open, handshakeHeaders(open), 'frontend'), null);
});

test('isName accepts 1 to 64 of the allowed characters', () => {
  for (const name of ['1', 'frontend-1', 'a.b_c', 'x'.repeat(64)]) assert.ok(isName(name), name);
  for (const name of ['', 'x'.repeat(65), 'a b', 'ü', 'a\n', 1, null])
    assert.not.ok(isName(name), String(name));
});

test.run();
