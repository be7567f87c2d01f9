import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError } from '../core/errors.js';
import { makeEntry } from '../core/entry.js';
import { NO_BASE } from '../core/log.js';
import { TestStorage } from '../testing/test-node.js';
import { withPersist } from './storage.js';

test('withPersist replaces persist, and everything else goes to the given storage', async () => {
  const storage = new TestStorage([1, 1, 2]);
  const batch = {
    hardState: { term: 3, vote: 'b' },
    entries: [makeEntry(4, 3, 'command', Buffer.from('x'))],
  };
  const failing = withPersist(storage, async () => Promise.reject(new RaftError('STORAGE_FULL', 'no room')));
  const error = await failing.persist(batch).catch((thrown: unknown) => thrown);
  assert.is(error instanceof RaftError && error.code, 'STORAGE_FULL');
  assert.equal(storage.batches, []);

  const observed: unknown[] = [];
  const observing = withPersist(storage, async (written) => {
    observed.push(written);
    await storage.persist(written);
  });
  await observing.persist(batch);
  assert.equal([observed, storage.batches], [[batch], [batch]]);
  assert.equal(observing.hardState(), batch.hardState);
  assert.equal([observing.base(), observing.lastIndex()], [NO_BASE, 4]);
  assert.equal([observing.term(3), observing.term(4)], [2, 3]);
  assert.equal(observing.entries(4, 4, 1_000), batch.entries);
  assert.is(observing.lastMembership(4), null);

  await observing.compact({ ...NO_BASE, index: 2, term: 1 });
  assert.is(storage.base().index, 2);
  await observing.close();
  assert.ok(storage.isClosed);
});

test.run();
