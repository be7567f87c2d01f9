/** Which member of the group a data folder makes a replica. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RaftError } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { determineMember, recordOwner, type DeterminedMember } from './member-file.js';
import type { Founders } from '../rules/group/founding.js';
import { withFolder } from '../testing/folders.js';

const INCARNATION = /^2\.[0-9a-f]{8}$/;

const FOUNDERS = ['1', '2', '3'];

/** The founders as the other replicas confirmed them: names, and instance ids of their empty folders. */
const AGREED: Founders = new Map([
  ['1', '1111111111111111'],
  ['2', '2222222222222222'],
  ['3', '3333333333333333'],
]);

/** @param bootstrap whether the flag is set; the others then confirm that no group exists */
const claim2 = async (data: string, bootstrap: boolean, founders = FOUNDERS): Promise<DeterminedMember> =>
  determineMember({
    data,
    cluster: 'test',
    name: '2',
    founders,
    found: bootstrap ? async () => Promise.resolve(AGREED) : null,
  });

const namesOf = ({ founders }: DeterminedMember): readonly string[] => [...founders.keys()];

/** Claims the folder as a start does, and records the owner in the log. */
async function start(data: string, bootstrap = false, founders = FOUNDERS): Promise<DeterminedMember> {
  const claim = await claim2(data, bootstrap, founders);
  const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: claim.id });
  await recordOwner(log);
  await claim.onOwnerRecorded();
  await log.close();
  return claim;
}

function loseLog(data: string): void {
  rmSync(join(data, 'log'), { recursive: true });
  rmSync(join(data, 'log.hard-state'));
}

const isDamaged = (error: unknown): boolean => error instanceof RaftError && error.code === 'LOG_DAMAGED';

async function rejection(claim: Promise<unknown>): Promise<unknown> {
  return claim.then(
    () => null,
    (error: unknown) => error,
  );
}

test('determineMember of an empty folder with a bootstrap file makes a founder, once', async () => {
  await withFolder(async (data) => {
    writeFileSync(join(data, 'bootstrap'), '');
    const first = await start(data);
    assert.equal([first.id, namesOf(first)], ['2', FOUNDERS]);
    assert.not.ok(existsSync(join(data, 'bootstrap')));
    const again = await start(data, true, ['1', '2', '3', '4', '5']);
    assert.equal([again.id, namesOf(again)], ['2', FOUNDERS], 'changed flags do not change the founders');
    loseLog(data);
    const wiped = await start(data);
    assert.match(wiped.id, INCARNATION);
    assert.equal(namesOf(wiped), []);
  });
});

test('determineMember again after an interruption, before the log recorded its owner, still makes a founder', async () => {
  await withFolder(async (data) => {
    writeFileSync(join(data, 'bootstrap'), '');
    await claim2(data, false);
    assert.is((await claim2(data, false)).id, '2');
    const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '2' });
    await log.close();
    const claim = await start(data);
    assert.equal([claim.id, namesOf(claim)], ['2', FOUNDERS]);
    assert.not.ok(existsSync(join(data, 'bootstrap')));
  });
});

test('determineMember of an empty folder without bootstrap makes a new incarnation and keeps it', async () => {
  await withFolder(async (folder) => {
    const data = join(folder, 'made', 'by-it');
    const first = await start(data);
    assert.match(first.id, INCARNATION);
    assert.equal(namesOf(first), []);
    assert.is((await start(data)).id, first.id);
    loseLog(data);
    mkdirSync(join(data, 'log'));
    const second = await start(data);
    assert.match(second.id, INCARNATION);
    assert.is.not(second.id, first.id, 'another lost log makes another member');
  });
});

test('determineMember after a lost log founds nothing, even with the bootstrap flag', async () => {
  await withFolder(async (data) => {
    await start(data);
    loseLog(data);
    assert.match((await start(data, true)).id, INCARNATION);
  });
  await withFolder(async (data) => {
    assert.is((await start(data, true)).id, '2', 'the flag makes a founder where the others agree');
    loseLog(data);
    assert.match((await start(data, true)).id, INCARNATION, 'but not in a folder that lost its log');
  });
});

test('determineMember with the bootstrap flag founds only once the others agree, and stores their answers', async () => {
  await withFolder(async (data) => {
    const refused = new Error('a group exists');
    const found = async (): Promise<Founders> => Promise.reject(refused);
    const asked = { data, cluster: 'test', name: '2', founders: FOUNDERS, found };
    assert.is(await rejection(determineMember(asked)), refused);
    assert.equal((await claim2(data, true)).founders, AGREED);
    // As after a crash before the log was created: the others are not asked again.
    assert.equal((await determineMember(asked)).founders, AGREED);
    assert.equal((await start(data)).founders, AGREED);
    assert.equal((await determineMember(asked)).founders, AGREED);
  });
});

test('determineMember of a waiting member with the bootstrap flag founds a group unless one has contacted it', async () => {
  await withFolder(async (data) => {
    const waiting = await start(data);
    mkdirSync(join(data, 'book'));
    const founder = await start(data, true);
    assert.equal([founder.id, founder.founders], ['2', AGREED]);
    assert.not.ok(existsSync(join(data, 'member')) || existsSync(join(data, 'book')));
    assert.match(waiting.id, INCARNATION);
    assert.is((await start(data)).id, '2', 'it stays a founder');
  });
  await withFolder(async (data) => {
    const { id } = await start(data);
    const log = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id });
    await log.persist({ hardState: { term: 1, vote: null }, entries: [] });
    await log.close();
    assert.is((await start(data, true)).id, id, 'a group has contacted it');
  });
  await withFolder(async (data) => {
    const { id } = await start(data);
    const asked = { data, cluster: 'test', name: '2', founders: FOUNDERS };
    const askedFor: (string | null)[] = [];
    const found = async (incarnation: string | null): Promise<null> => {
      askedFor.push(incarnation);
      return Promise.resolve(null);
    };
    assert.is(
      (await determineMember({ ...asked, found })).id,
      id,
      'a group exists: it keeps waiting to be added',
    );
    assert.equal(askedFor, [id]);
  });
});

test('determineMember continues an interrupted change from waiting member to founder', async () => {
  await withFolder(async (data) => {
    await start(data);
    writeFileSync(join(data, 'bootstrap'), '1=1111111111111111,2=2222222222222222,3=3333333333333333\n');
    rmSync(join(data, 'log.hard-state'));
    const founder = await start(data);
    assert.equal([founder.id, founder.founders], ['2', AGREED]);
  });
});

test('determineMember without a founders file uses the flags; a file without this replica is an error', async () => {
  await withFolder(async (data) => {
    await start(data, true);
    rmSync(join(data, 'founders'));
    assert.equal(namesOf(await start(data)), FOUNDERS);
    writeFileSync(join(data, 'founders'), '1,3\n');
    const error = await rejection(claim2(data, false));
    assert.ok(error instanceof RaftError && error.code === 'BAD_CONFIG');
    writeFileSync(join(data, 'founders'), '1,\u0000\n');
    assert.ok(isDamaged(await rejection(claim2(data, false))));
  });
});

test('determineMember rejects leftovers without a log, and malformed member files, as damage', async () => {
  await withFolder(async (data) => {
    await start(data, true);
    rmSync(join(data, 'log'), { recursive: true });
    assert.ok(isDamaged(await rejection(claim2(data, false))));
  });
  await withFolder(async (data) => {
    mkdirSync(join(data, 'book'));
    assert.ok(isDamaged(await rejection(claim2(data, true))));
  });
  for (const text of ['', '2\n', '3.5f0c9a31\n', '2.5f0c\n']) {
    await withFolder(async (data) => {
      writeFileSync(join(data, 'member'), text);
      assert.ok(isDamaged(await rejection(claim2(data, false))), text);
    });
  }
  await withFolder(async (data) => {
    mkdirSync(join(data, 'member'));
    assert.ok((await rejection(claim2(data, false))) instanceof Error);
  });
});

test.run();
