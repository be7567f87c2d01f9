import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameError } from './errors.js';
import {
  accessHeaders,
  checkAccess,
  checkCertificate,
  presentedVersion,
  secretMatches,
  spokenVersions,
  tryVersions,
  versionHeaders,
  type HandshakeProtocol,
  type SecretSource,
} from './handshake.js';

const PROTOCOL: HandshakeProtocol = {
  version: 7,
  previous: 6,
  headers: { cluster: 'x-cluster', version: 'x-version', name: 'x-name', secret: 'x-secret' },
};
const BOTH = spokenVersions(PROTOCOL, false);
const OURS = { cluster: 'test', secret: 'a shared secret' };
const GOOD = accessHeaders(PROTOCOL, 'a', OURS, 7);

test('checkAccess accepts the headers of accessHeaders, with and without a secret', () => {
  assert.equal(GOOD, { 'x-cluster': 'test', 'x-version': '7', 'x-name': 'a', 'x-secret': 'a shared secret' });
  assert.is(checkAccess(PROTOCOL, OURS, GOOD, BOTH), null);
  const open = { cluster: 'test', secret: null };
  assert.is('x-secret' in accessHeaders(PROTOCOL, 'a', open, 7), false);
  assert.is(checkAccess(PROTOCOL, open, accessHeaders(PROTOCOL, 'a', open, 7), BOTH), null);
});

const REFUSED: readonly [string, number, Record<string, string | undefined>][] = [
  ['WRONG_SECRET', 401, { 'x-secret': 'another secret' }],
  ['WRONG_SECRET', 401, { 'x-secret': undefined, 'x-cluster': 'other' }],
  ['WRONG_CLUSTER', 403, { 'x-cluster': 'other', 'x-version': '8' }],
  ['WRONG_CLUSTER', 403, { 'x-cluster': undefined }],
  ['WRONG_VERSION', 426, { 'x-version': '8' }],
  ['WRONG_VERSION', 426, { 'x-version': '5' }],
  ['WRONG_VERSION', 426, { 'x-version': '07' }],
  ['WRONG_VERSION', 426, { 'x-version': '7 ' }],
  ['WRONG_VERSION', 426, { 'x-version': '7.0' }],
  ['WRONG_VERSION', 426, { 'x-version': '-7' }],
  ['WRONG_VERSION', 426, { 'x-version': '7, 6' }],
  ['WRONG_VERSION', 426, { 'x-version': '9'.repeat(10_000) }],
  ['WRONG_VERSION', 426, { 'x-version': '' }],
  ['WRONG_VERSION', 426, { 'x-version': undefined }],
];

for (const [status, httpStatus, headers] of REFUSED) {
  test(`checkAccess returns ${status} for ${JSON.stringify(headers)}, without the secret`, () => {
    const refusal = checkAccess(PROTOCOL, OURS, { ...GOOD, ...headers }, BOTH);
    assert.equal([refusal?.status, refusal?.httpStatus], [status, httpStatus]);
    assert.not.match(JSON.stringify(refusal), OURS.secret);
  });
}

test('checkAccess accepts the previous version until the switch, and then says what to run', () => {
  const old = accessHeaders(PROTOCOL, 'a', OURS, 6);
  assert.is(old['x-version'], '6', 'what the previous release sends');
  assert.is(checkAccess(PROTOCOL, OURS, old, BOTH), null);
  const refusal = checkAccess(PROTOCOL, OURS, old, spokenVersions(PROTOCOL, true));
  assert.is(refusal?.status, 'WRONG_VERSION');
  assert.is(
    refusal?.message,
    'the cluster has switched to protocol version 7, and this process no longer speaks version "6": ' +
      'run the release of the other processes',
  );
  assert.is(checkAccess(PROTOCOL, OURS, GOOD, spokenVersions(PROTOCOL, true)), null);
});

test('a refusal of a hostile version is short', () => {
  const headers = { ...GOOD, 'x-version': '9'.repeat(10_000) };
  assert.ok((checkAccess(PROTOCOL, OURS, headers, BOTH)?.message.length ?? Infinity) < 300);
});

test('presentedVersion reads what accessHeaders and versionHeaders wrote', () => {
  assert.is(presentedVersion(PROTOCOL, accessHeaders(PROTOCOL, 'a', OURS, 6)), 6);
  assert.is(presentedVersion(PROTOCOL, versionHeaders(PROTOCOL)), 7);
  for (const version of [undefined, '', '0', '1e1', '0x7', '9'.repeat(10)])
    assert.is(presentedVersion(PROTOCOL, { 'x-version': version }), null, String(version));
});

test('tryVersions tries the previous version only after WRONG_VERSION', async () => {
  const refuse = (status: string): FrameError =>
    new FrameError('DIAL_REFUSED', status, { refusal: { httpStatus: 426, status, message: '' } });
  const attempts = async (errors: readonly (Error | null)[]): Promise<readonly (number | string)[]> => {
    const tried: (number | string)[] = [];
    const attempt = async (version: number): Promise<number> => {
      const error = errors[tried.length] ?? null;
      tried.push(version);
      return error === null ? Promise.resolve(version) : Promise.reject(error);
    };
    tried.push(await tryVersions(BOTH, attempt).catch((error: unknown) => String(error)));
    return tried;
  };
  assert.equal(await attempts([]), [7, 7]);
  assert.equal(await attempts([refuse('WRONG_VERSION')]), [7, 6, 6]);
  assert.equal(await attempts([refuse('WRONG_VERSION'), new Error('down')]), [7, 6, 'Error: down']);
  assert.equal(await attempts([refuse('WRONG_SECRET')]), [7, 'FrameError: WRONG_SECRET']);
  assert.equal(await attempts([new FrameError('DIAL_TIMEOUT', 'late')]), [7, 'FrameError: late']);
});

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

test('during an exchange both secrets are accepted, and the first is presented', () => {
  let current: SecretSource['current'] = ['old', 'new'];
  const source: SecretSource = {
    get current() {
      return current;
    },
  };
  const ours = { cluster: 'test', secret: source };
  const presented = (): string | undefined => accessHeaders(PROTOCOL, 'a', ours, 7)['x-secret'];
  assert.is(presented(), 'old');
  assert.equal(
    ['old', 'new', 'other'].map((given) => secretMatches(source, given)),
    [true, true, false],
  );
  current = ['new'];
  assert.is(presented(), 'new');
  assert.equal(
    ['old', 'new'].map((given) => secretMatches(source, given)),
    [false, true],
  );
});

test.run();
