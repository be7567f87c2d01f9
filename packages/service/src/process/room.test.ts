import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { capturedLog } from '../testing/links.js';
import { awaitRoom } from './room.js';

const MIB = 1024 * 1024;

test('where there is room nothing is said, also for a folder that is not there yet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-room-'));
  try {
    const { log, lines } = capturedLog();
    await awaitRoom({ folder: join(folder, 'not', 'yet'), log, stopping: new AbortController().signal });
    assert.equal(lines, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('on a full disk it says so, waits, and says that there is room again', async () => {
  const { log, lines } = capturedLog();
  const free = [0, 15 * MIB, 16 * MIB];
  await awaitRoom({
    ...{ folder: '/data', log, stopping: new AbortController().signal },
    free: async () => Promise.resolve(free.shift() ?? 0),
  });
  assert.equal(free, []);
  assert.is(lines.length, 2);
  assert.match(
    lines[0] ?? '',
    /"free":0,"needed":16777216,"status":"STORAGE_FULL".*disk is full; waits for room/,
  );
  assert.match(lines[1] ?? '', 'there is room on the disk again');
});

test('who is asked to stop meanwhile gives up', async () => {
  const { log } = capturedLog();
  const stopping = new AbortController();
  const free = async (): Promise<number> => {
    setImmediate(() => stopping.abort());
    return Promise.resolve(0);
  };
  try {
    await awaitRoom({ folder: '/data', log, stopping: stopping.signal, free });
    assert.unreachable();
  } catch (error) {
    assert.is(error, stopping.signal.reason);
  }
});

test('a disk that cannot be asked is an error', async () => {
  const { log } = capturedLog();
  try {
    await awaitRoom({ folder: '/proc/version/x', log, stopping: new AbortController().signal });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'ENOTDIR');
  }
});

test.run();
