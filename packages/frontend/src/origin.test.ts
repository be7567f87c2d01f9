import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOrigin } from './origin.js';

test('an origin is scheme, host and port, or all', () => {
  for (const origin of ['*', 'https://shop.example', 'http://127.0.0.1:8080'])
    assert.is(parseOrigin(origin), origin);
  for (const text of [
    '',
    'null',
    'shop.example',
    'https://shop.example/',
    'ftp://a',
    'https://A.example',
    'https://a b',
  ]) {
    assert.throws(() => parseOrigin(text), /not an origin/, text);
  }
});

test.run();
