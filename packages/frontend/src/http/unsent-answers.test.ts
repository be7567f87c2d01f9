import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsentAnswers } from './unsent-answers.js';

/** Connections by name, and which of them were closed. */
function connections(): { of: (name: string) => { destroy: () => void }; closed: string[] } {
  const closed: string[] = [];
  const made = new Map<string, { destroy: () => void }>();
  const of = (name: string): { destroy: () => void } => {
    const connection = made.get(name) ?? { destroy: () => void closed.push(name) };
    made.set(name, connection);
    return connection;
  };
  return { of, closed };
}

test('beyond the bound those are closed that have waited longest, and no more of them than it takes', () => {
  const { of, closed } = connections();
  const unsent = new UnsentAnswers(100);
  for (const name of ['a', 'b', 'c']) unsent.add(of(name), 30);
  assert.equal(closed, []);
  unsent.add(of('d'), 50);
  assert.equal(closed, ['a', 'b']);
  assert.is(unsent.bytes, 80);
});

test('what was taken counts no more, and one that takes its answers is young again', () => {
  const { of, closed } = connections();
  const unsent = new UnsentAnswers(100);
  unsent.add(of('a'), 60);
  unsent.add(of('b'), 40);
  unsent.remove(of('a'));
  unsent.remove(of('a'));
  assert.is(unsent.bytes, 40);
  unsent.add(of('a'), 60);
  unsent.add(of('c'), 1);
  assert.equal(closed, ['b']);
});

test('an answer that is larger than the bound closes its own connection too', () => {
  const { of, closed } = connections();
  const unsent = new UnsentAnswers(100);
  unsent.add(of('a'), 101);
  assert.equal([closed, unsent.bytes], [['a'], 0]);
});

test.run();
