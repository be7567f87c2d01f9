import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allowedMethods } from './routes.js';

test('allowedMethods knows the methods of every path', () => {
  assert.is(allowedMethods('/orders'), 'GET, HEAD, OPTIONS, POST');
  assert.is(allowedMethods('/stocks/A'), 'GET, HEAD, OPTIONS, PUT');
  for (const path of ['//', '/order', '/orders/1/2', '/livezz']) assert.is(allowedMethods(path), null, path);
});

test.run();
