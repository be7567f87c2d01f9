import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SIMPLE_ROUTES } from '../routes/routes.js';
import { parseSimpleRequest } from '../rules/simple-request.js';
import { SimpleCall } from './call.js';

const BODY = '{"name":"AAPL","quantity":1,"type":"buy"}';
const LOOK_UP = 'GET /stocks/AAPL HTTP/1.1\r\nHost: x\r\n\r\n';
const ORDER = `POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** The call of a request, and the memory of the request's bytes. */
function receive(text: string): { readonly call: SimpleCall; readonly memory: WeakRef<ArrayBufferLike> } {
  const bytes = Buffer.alloc(text.length, text);
  const request = parseSimpleRequest(bytes, SIMPLE_ROUTES);
  if (typeof request === 'string') throw new Error('not a simple request');
  return { call: new SimpleCall(request, () => 'generated'), memory: new WeakRef(bytes.buffer) };
}

test('a simple call does not keep the bytes of its request once its body is read', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const lookUp = receive(LOOK_UP);
  const order = receive(ORDER);
  assert.is(order.call.readBody(), BODY);
  // A new WeakRef keeps its target alive until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  assert.is(lookUp.memory.deref(), undefined);
  assert.is(order.memory.deref(), undefined);
  assert.is(lookUp.call.parameter, 'AAPL');
  assert.throws(() => order.call.readBody(), 'already read');
});

test.run();
