import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import { parsePeers } from './peer-list.js';

test('parsePeers reads the URL of each replica', () => {
  assert.equal(
    [...parsePeers('b-2=https://host:1/?a=b,1=http://127.0.0.1:8201')],
    [
      ['1', 'http://127.0.0.1:8201'],
      ['b-2', 'https://host:1/?a=b'],
    ],
  );
  for (const text of [
    '',
    '1',
    '1=',
    '=http://a',
    '1=ftp://a',
    '1=http://a,',
    '1=http://a,1=http://b',
    '1=http://a:80,2=http://A/',
    'a b=http://a',
  ]) {
    assert.throws(
      () => parsePeers(text),
      (error: unknown) => error instanceof FormatError,
      text,
    );
  }
});

test.run();
