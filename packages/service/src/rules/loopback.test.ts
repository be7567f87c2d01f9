import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isLoopback, requireSecretBeyondLoopback } from './loopback.js';
import { parseSecrets, secretReport } from './secret.js';
import { UsageError } from './usage-error.js';

const HERE = ['127.0.0.1', '127.255.255.254', '::1', '[::1]', 'localhost', 'LOCALHOST'];
const BEYOND = [
  '0.0.0.0',
  '::',
  '',
  '10.0.0.1',
  '127.0.0.256',
  '127.0.0.1.example.com',
  'localhost.example.com',
  '1127.0.0.1',
];

test('isLoopback accepts only addresses and names of this machine', () => {
  for (const host of HERE) assert.ok(isLoopback(host), host);
  for (const host of BEYOND) assert.not.ok(isLoopback(host), host);
});

test('requireSecretBeyondLoopback requires a secret or a certificate', () => {
  for (const host of HERE) requireSecretBeyondLoopback(host, { secret: null });
  for (const host of BEYOND) {
    requireSecretBeyondLoopback(host, { secret: 'a secret' });
    requireSecretBeyondLoopback(host, { secret: null, tls: {} });
    assert.throws(
      () => requireSecretBeyondLoopback(host, { secret: null }),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

test('parseSecrets trims white space, and requires 16 to 512 printable characters', () => {
  assert.equal(parseSecrets('  0123456789abcdef\n', 'file'), ['0123456789abcdef']);
  assert.is(parseSecrets('x'.repeat(512), 'file')[0].length, 512);
  for (const text of [
    '',
    'short',
    'x'.repeat(513),
    'with a space in it',
    'umlaut-ü-0123456789',
    'two\nlines-0123456789',
  ]) {
    assert.throws(
      () => parseSecrets(text, 'the-file'),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message.includes('the-file') &&
        (text === '' || !error.message.includes(text)),
    );
  }
});

test('parseSecrets accepts two lines during an exchange, and refuses a third', () => {
  const [old, next] = ['0123456789abcdef', 'fedcba9876543210'];
  for (const text of [`${old}\n${next}\n`, ` ${old} \r\n\n${next}`])
    assert.equal(parseSecrets(text, 'file'), [old, next]);
  assert.throws(() => parseSecrets(`${old}\n${next}\n${old}`, 'the-file'), /the-file has 3 lines/);
  assert.throws(() => parseSecrets(`${old}\nshort`, 'the-file'), /the-file must have 16 to 512/);
});

test('secretReport contains fingerprints and no secret', () => {
  assert.is(secretReport([]), null);
  assert.equal(secretReport(['0123456789abcdef', 'fedcba9876543210']), {
    presents: '9f9f5111',
    accepts: ['9f9f5111', '3465f6e6'],
  });
});

test.run();
