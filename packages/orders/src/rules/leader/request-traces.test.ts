import type { Command } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RequestTraces } from './request-traces.js';

function buy(key: string): Command {
  return { kind: 'buy', key, name: 'A', quantity: 1 };
}

test('traces a request from submission until its entry is visible', () => {
  const traces = new RequestTraces();
  assert.equal(traces.onLogged(1, [buy('a')]), []);
  traces.onSubmitted('b', 'request-b');
  traces.onSubmitted('c', 'request-c');
  assert.equal(traces.onLogged(2, [buy('a'), buy('c')]), [[1, 'request-c']]);
  assert.equal(traces.at(2), [[1, 'request-c']]);
  assert.equal(traces.onLogged(3, [buy('b')]), [[0, 'request-b']]);
  traces.dropUpTo(2);
  assert.equal([traces.at(2), traces.at(3)], [[], [[0, 'request-b']]]);
  traces.dropUpTo(9);
  assert.equal(traces.at(3), []);
});

test('requests at the limit are not traced until a trace ends', () => {
  const traces = new RequestTraces(1);
  traces.onSubmitted('a', 'first');
  traces.onSubmitted('a', 'again');
  traces.onSubmitted('b', 'beyond');
  assert.equal(traces.onLogged(1, [buy('a'), buy('b')]), [[0, 'first']]);
  traces.onSubmitted('c', 'beyond as well');
  assert.equal(traces.onLogged(2, [buy('c')]), []);
  traces.dropUpTo(1);
  traces.onSubmitted('d', 'last');
  assert.equal(traces.onLogged(3, [buy('d')]), [[0, 'last']]);
});

test.run();
