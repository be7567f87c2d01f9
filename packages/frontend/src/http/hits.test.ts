import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Hits } from './hits.js';

/** Which hosts' requests get as far as the cache, in which nothing is. */
function hitsOf(): { readonly hits: Hits; readonly isShort: (host: string) => boolean } {
  let looks = 0;
  const hits = new Hits({
    catalog: {
      hit: () => {
        looks += 1;
        return null;
      },
    },
    replies: { headers: () => ({}), count: () => undefined },
  });
  const isShort = (host: string): boolean => {
    const before = looks;
    const incoming = new IncomingMessage(new Socket());
    Object.assign(incoming, { method: 'GET', url: '/stocks/AAPL', headers: { host } });
    assert.not(hits.answer(incoming, new ServerResponse(incoming), () => 'id'));
    return looks > before;
  };
  return { hits, isShort };
}

test('a host is known once a request with it was found valid', () => {
  const { hits, isShort } = hitsOf();
  assert.not(isShort('a'));
  hits.admit(undefined);
  hits.admit('a');
  assert.ok(isShort('a'));
  assert.not(isShort('b'));
});

test('who makes up hosts does not keep others from being known', () => {
  const { hits, isShort } = hitsOf();
  hits.admit('a');
  for (let i = 0; i < 64; i += 1) hits.admit(`made-up-${i}`);
  assert.not(isShort('a'), 'forgotten, as it is the oldest');
  hits.admit('a');
  hits.admit('a');
  assert.ok(isShort('a'));
  assert.ok(isShort('made-up-63'));
  assert.ok(isShort('made-up-1'));
  assert.not(isShort('made-up-0'));
});

test.run();
