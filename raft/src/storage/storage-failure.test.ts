import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { causeOf, storageFailure } from './storage-failure.js';

const wrapped = new Error('Database failed', { cause: new Error('IO error: 000003.log') });

test('a write that failed beside a free disk is a failure, in LevelDB’s words', () => {
  const error = storageFailure(tmpdir(), 'a write', wrapped);
  assert.is(error.code, 'STORAGE_FAILED');
  assert.is(error.message, 'a write: IO error: 000003.log');
  assert.is(error.cause, wrapped);
});

test('one on a disk without room is told apart by its code', () => {
  // A file system that has no blocks, so none that is free.
  const error = storageFailure('/proc', 'a write', wrapped);
  assert.is(error.code, 'STORAGE_FULL');
  assert.is(error.message, 'a write: the disk is full, 0 bytes are free: IO error: 000003.log');
});

test('where the system says nothing of the disk it is a failure', () => {
  const error = storageFailure(join(tmpdir(), 'no such folder of trireme'), 'a write', 'odd');
  assert.equal([error.code, error.message], ['STORAGE_FAILED', 'a write: odd']);
  assert.is(causeOf(wrapped), 'IO error: 000003.log');
});

test.run();
