import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { UsageError } from '../rules/usage.js';
import { parseHttpUrl, parseReplicas } from './replica-list.js';

test('a list of replicas names each with its url', () => {
  assert.equal(parseReplicas('1=http://127.0.0.1:8191, b=http://b:1/'), [
    { id: '1', url: 'http://127.0.0.1:8191' },
    { id: 'b', url: 'http://b:1/' },
  ]);
});

test('whatever else is given is told as wrong use', () => {
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
