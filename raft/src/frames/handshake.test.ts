import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  accessHeaders,
  checkAccess,
  checkCertificate,
  secretMatches,
  type HandshakeProtocol,
} from './handshake.js';

const PROTOCOL: HandshakeProtocol = {
  version: 7,
  headers: { cluster: 'x-cluster', version: 'x-version', name: 'x-name', secret: 'x-secret' },
};
const OURS = { cluster: 'test', secret: 'a shared secret' };
const GOOD = accessHeaders(PROTOCOL, 'a', OURS);

test('checkAccess accepts the headers of accessHeaders, with and without a secret', () => {
  assert.equal(GOOD, { 'x-cluster': 'test', 'x-version': '7', 'x-name': 'a', 'x-secret': 'a shared secret' });
  assert.is(checkAccess(PROTOCOL, OURS, GOOD), null);
  const open = { cluster: 'test', secret: null };
  assert.is('x-secret' in accessHeaders(PROTOCOL, 'a', open), false);
  assert.is(checkAccess(PROTOCOL, open, accessHeaders(PROTOCOL, 'a', open)), null);
});

const REFUSED: readonly [string, number, Record<string, string | undefined>][] = [
  ['WRONG_SECRET', 401, { 'x-secret': 'another secret' }],
  ['WRONG_SECRET', 401, { 'x-secret': undefined, 'x-cluster': 'other' }],
  ['WRONG_CLUSTER', 403, { 'x-cluster': 'other', 'x-version': '8' }],
  ['WRONG_CLUSTER', 403, { 'x-cluster': undefined }],
  ['WRONG_VERSION', 426, { 'x-version': '8' }],
  ['WRONG_VERSION', 426, { 'x-version': undefined }],
];

for (const [status, httpStatus, headers] of REFUSED) {
  test(`checkAccess returns ${status} for ${JSON.stringify(headers)}, without the secret`, () => {
    const refusal = checkAccess(PROTOCOL, OURS, { ...GOOD, ...headers });
    assert.equal([refusal?.status, refusal?.httpStatus], [status, httpStatus]);
    assert.not.match(JSON.stringify(refusal), OURS.secret);
  });
}

test('checkCertificate accepts only a valid certificate of the named process', () => {
  assert.is(checkCertificate(null, 'a'), null);
  assert.is(checkCertificate({ problem: null, name: 'a' }, 'a'), null);
  const other = checkCertificate({ problem: null, name: 'b' }, 'a');
  assert.equal([other?.status, other?.httpStatus], ['WRONG_CERTIFICATE', 403]);
  const invalid = checkCertificate({ problem: 'expired', name: 'a' }, 'a');
  assert.equal(
    [invalid?.status, invalid?.httpStatus, invalid?.message],
    ['WRONG_CERTIFICATE', 401, 'expired'],
  );
});

test('secretMatches accepts only the same secret', () => {
  assert.is(secretMatches('secret', 'secret'), true);
  assert.is(secretMatches(null, undefined), true);
  for (const given of ['Secret', 'secret ', '', undefined, ['secret']]) {
    assert.is(secretMatches('secret', given), false);
  }
});

test.run();
