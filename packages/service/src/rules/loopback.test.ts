import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isLoopback, requireGuardBeyondLoopback } from './loopback.js';
import { parseSecret } from './secret.js';
import { UsageError } from './usage.js';

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

test('loopback is what surely names this machine', () => {
  for (const host of HERE) assert.ok(isLoopback(host), host);
  for (const host of BEYOND) assert.not.ok(isLoopback(host), host);
});

test('beyond loopback a secret is needed', () => {
  for (const host of HERE) requireGuardBeyondLoopback(host, { secret: null });
  for (const host of BEYOND) {
    requireGuardBeyondLoopback(host, { secret: 'a secret' });
    requireGuardBeyondLoopback(host, { secret: null, tls: {} });
    assert.throws(
      () => requireGuardBeyondLoopback(host, { secret: null }),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

test('a secret has 16 to 512 printable characters, whatever white space a file adds', () => {
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
