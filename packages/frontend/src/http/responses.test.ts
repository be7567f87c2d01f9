import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOrigin } from './responses.js';

test('parseOrigin accepts scheme, host and port, or *', () => {
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
    assert.throws(() => parseOrigin(text), /^invalid origin: /, text);
  }
});

test.run();
