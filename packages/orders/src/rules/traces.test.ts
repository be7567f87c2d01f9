import type { Command } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Traces } from './traces.js';

function buy(key: string): Command {
  return { kind: 'buy', key, name: 'A', quantity: 1 };
}

test('a request is followed from its command to its place in the log, until that is visible', () => {
  const traces = new Traces();
  assert.equal(traces.logged(1, [buy('a')]), []);
  traces.taken('b', 'request-b');
  traces.taken('c', 'request-c');
  assert.equal(traces.logged(2, [buy('a'), buy('c')]), [[1, 'request-c']]);
  assert.equal(traces.of(2), [[1, 'request-c']]);
  assert.equal(traces.logged(3, [buy('b')]), [[0, 'request-b']]);
  traces.forgetTo(2);
  assert.equal([traces.of(2), traces.of(3)], [[], [[0, 'request-b']]]);
  traces.forgetTo(9);
  assert.equal(traces.of(3), []);
});

test('at the bound a further request is not followed, until one is done', () => {
  const traces = new Traces(1);
  traces.taken('a', 'first');
  traces.taken('a', 'again');
  traces.taken('b', 'beyond');
  assert.equal(traces.logged(1, [buy('a'), buy('b')]), [[0, 'first']]);
  traces.taken('c', 'beyond as well');
  assert.equal(traces.logged(2, [buy('c')]), []);
  traces.forgetTo(1);
  traces.taken('d', 'last');
  assert.equal(traces.logged(3, [buy('d')]), [[0, 'last']]);
});

test.run();
