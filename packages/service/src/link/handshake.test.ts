import { PREVIOUS_PROTOCOL_VERSION, PROTOCOL_VERSION } from '@trireme/domain';
import type { FrameRefusal } from '@trireme/raft/frames';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { handshakeHeaders, isName, checkHandshake, linkVersion, type LinkIdentity } from './handshake.js';

const SELF: LinkIdentity = { name: 'catalog', cluster: 'test', secret: 'a shared secret' };
const GOOD = handshakeHeaders({ ...SELF, name: 'frontend-1' });

test('checkHandshake accepts a process of the cluster', () => {
  assert.is(checkHandshake(SELF, GOOD, 'frontend'), null);
});

test('checkHandshake accepts the previous release until the switch, and no other one', () => {
  const previous = handshakeHeaders({ ...SELF, name: 'frontend-1' }, PREVIOUS_PROTOCOL_VERSION);
  assert.is(linkVersion(previous), PREVIOUS_PROTOCOL_VERSION);
  assert.is(checkHandshake(SELF, previous, 'frontend'), null);
  const switched = checkHandshake(SELF, previous, 'frontend', null, [PROTOCOL_VERSION]);
  assert.is(switched?.status, 'WRONG_VERSION');
  const older = { ...previous, 'x-trireme-version': String(PREVIOUS_PROTOCOL_VERSION - 1) };
  assert.is(checkHandshake(SELF, older, 'frontend')?.status, 'WRONG_VERSION');
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

test('checkHandshake checks certificate, secret, cluster, version, name and role, in this order', () => {
  const headers = {
    'x-trireme-name': 'two words',
    'x-trireme-secret': 'another secret',
    'x-trireme-cluster': 'other',
    'x-trireme-version': String(PROTOCOL_VERSION + 1),
  };
  const certificate = { problem: 'it expired', name: 'catalog-1' };
  const refusal = (): string =>
    JSON.stringify(checkHandshake(SELF, headers, 'frontend', { ...certificate })?.status ?? null);
  const steps: readonly (readonly [refusal: string | null, correct: () => void])[] = [
    ['WRONG_CERTIFICATE', () => Object.assign(certificate, { problem: null })],
    ['WRONG_CERTIFICATE', () => Object.assign(certificate, { name: headers['x-trireme-name'] })],
    ['UNAUTHORIZED', () => (headers['x-trireme-secret'] = 'a shared secret')],
    ['WRONG_CLUSTER', () => (headers['x-trireme-cluster'] = 'test')],
    ['WRONG_VERSION', () => (headers['x-trireme-version'] = String(PROTOCOL_VERSION))],
    ['INVALID_NAME', () => (certificate.name = headers['x-trireme-name'] = 'catalog-1')],
    ['WRONG_ROLE', () => (certificate.name = headers['x-trireme-name'] = 'frontend-1')],
    [null, () => undefined],
  ];
  for (const [expected, correct] of steps) {
    assert.is(refusal(), JSON.stringify(expected));
    correct();
  }
});

test('a process without the secret or the certificate learns neither cluster nor version', () => {
  const valid = { problem: null, name: 'frontend-1' };
  for (const [secret, certificate] of [
    ['another secret', null],
    [undefined, null],
    ['another secret', valid],
    ['a shared secret', { problem: 'it expired', name: 'frontend-1' }],
    ['a shared secret', { problem: null, name: 'frontend-2' }],
  ] as const) {
    const refusalOf = (cluster: string, version: number): FrameRefusal | null => {
      const guess = { 'x-trireme-cluster': cluster, 'x-trireme-version': String(version) };
      const headers = { ...GOOD, ...guess, 'x-trireme-secret': secret };
      return checkHandshake(SELF, headers, 'frontend', certificate);
    };
    const refusal = refusalOf(SELF.cluster, PROTOCOL_VERSION);
    assert.is(
      refusal?.status,
      certificate === null || certificate === valid ? 'UNAUTHORIZED' : 'WRONG_CERTIFICATE',
    );
    assert.not.match(refusal?.message ?? '', new RegExp(`\\b(${SELF.cluster}|${PROTOCOL_VERSION})\\b`));
    assert.equal(refusalOf('other', PROTOCOL_VERSION + 1), refusal, 'a guess changes nothing');
  }
});

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
