import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UnreadResponses } from './unread-responses.js';

/** Connections by name, and the names of the closed ones. */
function connections(): { of: (name: string) => { destroy: () => void }; closed: string[] } {
  const closed: string[] = [];
  const created = new Map<string, { destroy: () => void }>();
  const of = (name: string): { destroy: () => void } => {
    const connection = created.get(name) ?? { destroy: () => void closed.push(name) };
    created.set(name, connection);
    return connection;
  };
  return { of, closed };
}

test('add closes the connections that waited longest, and only as many as necessary', () => {
  const { of, closed } = connections();
  const unsent = new UnreadResponses(100);
  for (const name of ['a', 'b', 'c']) unsent.add(of(name), 30);
  assert.equal(closed, []);
  unsent.add(of('d'), 50);
  assert.equal(closed, ['a', 'b']);
  assert.is(unsent.bytes, 80);
});

test('remove frees the bytes, and a later write of the connection counts as new', () => {
  const { of, closed } = connections();
  const unsent = new UnreadResponses(100);
  unsent.add(of('a'), 60);
  unsent.add(of('b'), 40);
  unsent.remove(of('a'));
  unsent.remove(of('a'));
  assert.is(unsent.bytes, 40);
  unsent.add(of('a'), 60);
  unsent.add(of('c'), 1);
  assert.equal(closed, ['b']);
});

test('add closes the connection of a response that exceeds the bound', () => {
  const { of, closed } = connections();
  const unsent = new UnreadResponses(100);
  unsent.add(of('a'), 101);
  assert.equal([closed, unsent.bytes], [['a'], 0]);
});

test.run();
