import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isLoopback, requireSecretBeyondLoopback } from './loopback.js';
import { parseSecret } from './secret.js';
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

test('parseSecret trims white space, and requires 16 to 512 printable characters', () => {
  assert.is(parseSecret('  0123456789abcdef\n', 'file'), '0123456789abcdef');
  assert.is(parseSecret('x'.repeat(512), 'file').length, 512);
  for (const text of [
    '',
    'short',
    'x'.repeat(513),
    'with a space in it',
    'umlaut-ü-0123456789',
    'two\nlines-0123456789',
  ]) {
    assert.throws(
      () => parseSecret(text, 'the-file'),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message.includes('the-file') &&
        (text === '' || !error.message.includes(text)),
    );
  }
});

test.run();
