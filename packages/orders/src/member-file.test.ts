/** Which member a data folder makes a replica. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LevelLog, RaftError } from '@trireme/raft';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claimMember, recordOwner, type MemberClaim } from './member-file.js';
import { withFolder } from './testing/folders.js';

const INCARNATION = /^2\.[0-9a-f]{8}$/;

/** Claims the folder as a start does, and has the log record it. */
async function start(data: string, bootstrap = false): Promise<MemberClaim> {
  const claim = await claimMember({ data, name: '2', bootstrap });
  const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: claim.id });
  await recordOwner(log);
  await claim.recorded();
  await log.close();
  return claim;
}

const isDamaged = (error: unknown): boolean => error instanceof RaftError && error.code === 'LOG_DAMAGED';

async function rejection(claim: Promise<unknown>): Promise<unknown> {
  return claim.then(
    () => null,
    (error: unknown) => error,
  );
}

test('told that the group is new, an empty folder makes a founder, once', async () => {
  await withFolder(async (data) => {
    writeFileSync(join(data, 'bootstrap'), '');
    const { id, isFounder } = await start(data);
    assert.equal([id, isFounder], ['2', true]);
    assert.not.ok(existsSync(join(data, 'bootstrap')));
    const again = await start(data);
    assert.equal([again.id, again.isFounder], ['2', true], 'a restart is no new beginning');
    rmSync(join(data, 'log'), { recursive: true });
    const wiped = await start(data);
    assert.match(wiped.id, INCARNATION);
    assert.not.ok(wiped.isFounder);
  });
});

test('a founder that was interrupted before its log recorded anything is one still', async () => {
  await withFolder(async (data) => {
    writeFileSync(join(data, 'bootstrap'), '');
    await claimMember({ data, name: '2', bootstrap: false });
    assert.is((await claimMember({ data, name: '2', bootstrap: false })).id, '2');
    const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '2' });
    await log.close();
    const { id, isFounder } = await start(data);
    assert.equal([id, isFounder], ['2', true]);
    assert.not.ok(existsSync(join(data, 'bootstrap')));
  });
});

test('without a word an empty folder makes an incarnation that no one has had, and keeps it', async () => {
  await withFolder(async (folder) => {
    const data = join(folder, 'made', 'by-it');
    const first = await start(data);
    assert.match(first.id, INCARNATION);
    assert.not.ok(first.isFounder);
    assert.is((await start(data)).id, first.id);
    rmSync(join(data, 'log'), { recursive: true });
    mkdirSync(join(data, 'log'));
    const second = await start(data);
    assert.match(second.id, INCARNATION);
    assert.is.not(second.id, first.id, 'a log that was lost once more is another member once more');
  });
});

test('who came back once founds nothing, whatever its flags say', async () => {
  await withFolder(async (data) => {
    await start(data);
    rmSync(join(data, 'log'), { recursive: true });
    assert.match((await start(data, true)).id, INCARNATION);
  });
  await withFolder(async (data) => {
    assert.is((await start(data, true)).id, '2', 'the flag alone makes a founder');
  });
});

test('a book without its log is damage, and so is a file that names no incarnation of this replica', async () => {
  await withFolder(async (data) => {
    mkdirSync(join(data, 'book'));
    assert.ok(isDamaged(await rejection(claimMember({ data, name: '2', bootstrap: true }))));
  });
  for (const text of ['', '2\n', '3.5f0c9a31\n', '2.5f0c\n']) {
    await withFolder(async (data) => {
      writeFileSync(join(data, 'member'), text);
      assert.ok(isDamaged(await rejection(claimMember({ data, name: '2', bootstrap: false }))), text);
    });
  }
  await withFolder(async (data) => {
    mkdirSync(join(data, 'member'));
    assert.ok((await rejection(claimMember({ data, name: '2', bootstrap: false }))) instanceof Error);
  });
});

test.run();
