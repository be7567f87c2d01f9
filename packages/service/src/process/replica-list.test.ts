import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { UsageError } from '../rules/usage-error.js';
import { parseHttpUrl, parseReplicas } from './replica-list.js';

test('parseReplicas returns the id and URL of each replica', () => {
  assert.equal(parseReplicas('1=http://127.0.0.1:8191, b=http://b:1/'), [
    { id: '1', url: 'http://127.0.0.1:8191' },
    { id: 'b', url: 'http://b:1/' },
  ]);
});

test('parseReplicas and parseHttpUrl throw UsageError for invalid text', () => {
  const many = Array.from({ length: 16 }, (_, n) => `${n}=http://x`).join();
  for (const text of [
    '',
    '1',
    '=http://x',
    '1=',
    '1=ftp://x',
    '1=x:1',
    'a b=http://x',
    '1=http://x,1=http://y',
    many,
  ]) {
    assert.throws(
      () => parseReplicas(text),
      (error: unknown) => error instanceof UsageError,
      text,
    );
  }
  assert.throws(
    () => parseHttpUrl('ftp://x'),
    (error: unknown) => error instanceof UsageError,
  );
});

test.run();
