import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { captureLog } from '../testing/links.js';
import { waitForFreeSpace } from './free-space.js';

const MIB = 1024 * 1024;

test('resolves without a log line if there is space, also for a folder that does not exist', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-room-'));
  try {
    const { log, lines } = captureLog();
    await waitForFreeSpace({
      folder: join(folder, 'not', 'yet'),
      log,
      stopping: new AbortController().signal,
    });
    assert.equal(lines, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('waits on a full disk, and logs the start and the end of the wait', async () => {
  const { log, lines } = captureLog();
  const free = [0, 15 * MIB, 16 * MIB];
  await waitForFreeSpace({
    folder: '/data',
    log,
    stopping: new AbortController().signal,
    free: async () => Promise.resolve(free.shift() ?? 0),
  });
  assert.equal(free, []);
  assert.is(lines.length, 2);
  assert.match(
    lines[0] ?? '',
    /"free":0,"needed":16777216,"status":"STORAGE_FULL".*disk is full, waiting for free space/,
  );
  assert.match(lines[1] ?? '', 'disk has free space again');
});

test('rejects with the reason of the signal if it is aborted', async () => {
  const { log } = captureLog();
  const stopping = new AbortController();
  const free = async (): Promise<number> => {
    setImmediate(() => stopping.abort());
    return Promise.resolve(0);
  };
  try {
    await waitForFreeSpace({ folder: '/data', log, stopping: stopping.signal, free });
    assert.unreachable();
  } catch (error) {
    assert.is(error, stopping.signal.reason);
  }
});

test('rejects with the error of the system if the free space cannot be read', async () => {
  const { log } = captureLog();
  try {
    await waitForFreeSpace({ folder: '/proc/version/x', log, stopping: new AbortController().signal });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'ENOTDIR');
  }
});

test.run();
