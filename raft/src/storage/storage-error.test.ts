import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { innermostErrorMessage, toStorageError } from './storage-error.js';

const wrapped = new Error('Database failed', { cause: new Error('IO error: 000003.log') });

test('toStorageError returns STORAGE_FAILED with the message of LevelDB if the disk has free space', () => {
  const error = toStorageError(tmpdir(), 'a write', wrapped);
  assert.is(error.code, 'STORAGE_FAILED');
  assert.is(error.message, 'a write: IO error: 000003.log');
  assert.is(error.cause, wrapped);
});

test('toStorageError returns STORAGE_FULL if the disk has no free space', () => {
  // A file system without blocks, so without free ones.
  const error = toStorageError('/proc', 'a write', wrapped);
  assert.is(error.code, 'STORAGE_FULL');
  assert.is(error.message, 'a write: the disk is full (0 bytes free): IO error: 000003.log');
});

test('toStorageError returns STORAGE_FAILED if the free space is unknown', () => {
  const error = toStorageError(join(tmpdir(), 'no such folder of trireme'), 'a write', 'odd');
  assert.equal([error.code, error.message], ['STORAGE_FAILED', 'a write: odd']);
  assert.is(innermostErrorMessage(wrapped), 'IO error: 000003.log');
});

test.run();
