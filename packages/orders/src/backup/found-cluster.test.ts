/** A new cluster that is founded from the book of another one. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LevelLog } from '@trireme/raft/level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { foundCluster, type NewCluster } from './found-cluster.js';
import { BookStore } from '../book/store.js';
import { determineMember } from '../group/member-file.js';
import type { BookMeta } from '../rules/book/state.js';
import { LIFE, buy } from '../rules/testing/batches.js';
import { withFolder } from '../testing/folders.js';
import { ENTRIES, assertRejects, fillStore, openStore } from '../testing/stores.js';
import { TestReplica, until } from '../testing/test-replica.js';

const CLUSTER = 'test-0a1b2c3d';

function newCluster(
  data: string,
  cluster = CLUSTER,
  replicas: readonly string[] = ['1', '2', '3'],
): NewCluster {
  return { cluster, replicas, folderOf: (replica) => join(data, `replica-${replica}`) };
}

/** Founds a cluster from the book of `ENTRIES`. @returns the meta record of that book */
async function found(path: string, target: NewCluster): Promise<BookMeta> {
  const old = join(path, 'old');
  if (!existsSync(old)) await fillStore(old, ENTRIES);
  const { store, meta } = await openStore(old);
  const view = store.view();
  try {
    await foundCluster(view, target);
    return meta;
  } finally {
    await view.close();
    await store.close();
  }
}

const claim = async (data: string, name: string): ReturnType<typeof determineMember> =>
  determineMember({ data, cluster: CLUSTER, name, founders: ['1', '2', '3', '4'], found: null });

test('each replica of the new cluster is a founder with the book and a log that starts after it', async () => {
  await withFolder(async (path) => {
    const data = join(path, 'new');
    const target = newCluster(data);
    const { applied, hash } = await found(path, target);
    for (const id of target.replicas) {
      const folder = target.folderOf(id);
      const member = await claim(folder, id);
      assert.equal([member.id, [...member.founders.keys()]], [id, ['1', '2', '3']]);
      const log = await LevelLog.open({ path: join(folder, 'log'), cluster: CLUSTER, id });
      assert.equal([log.base().index, log.base().term, log.lastIndex()], [applied, 1, applied]);
      assert.equal(log.hardState(), { term: 1, vote: null });
      await log.close();
      const opened = await BookStore.open({ path: join(folder, 'book'), cluster: CLUSTER, id });
      await opened.store.check();
      assert.equal([opened.meta.hash, opened.restored?.index], [hash, applied]);
      await opened.store.close();
    }
  });
});

test('the first leader logs a new life, keeps orders and keys, and continues the numbers', async () => {
  await withFolder(async (path) => {
    const target = newCluster(path, 'test', ['1']);
    const { orders } = await found(path, target);
    const replica = new TestReplica(target.folderOf('1'));
    replica.catalog.start();
    try {
      const frontend = await replica.start();
      assert.equal((await frontend.place(buy('e'))).slice(1), ['filled', orders, 500], 'a key that is known');
      assert.equal((await frontend.place(buy('next'))).slice(1), ['filled', orders + 1, 500]);
      await until(() => !readFileSync(join(target.folderOf('1'), 'life'), 'utf8').includes(LIFE), 'the life');
      const life = replica.status['life'];
      assert.is.not(life, LIFE);
      await replica.stop();
      const again = await replica.start();
      assert.equal((await again.place(buy('next'))).slice(1), ['filled', orders + 1, 500]);
      assert.is(replica.status['life'], life, 'a restart keeps the life');
      assert.equal(replica.fatals, []);
    } finally {
      await replica.close();
    }
  });
});

test('a folder that is not empty is refused before anything is written', async () => {
  await withFolder(async (path) => {
    const target = newCluster(path);
    mkdirSync(target.folderOf('2'));
    writeFileSync(join(target.folderOf('2'), 'member'), '2.00000000');
    await assertRejects(found(path, target), 'BAD_CONFIG', /replica-2 is not empty: it contains member/);
    assert.is(existsSync(target.folderOf('1')), false);
  });
});

test('no replica starts on folders of an interrupted founding', async () => {
  await withFolder(async (path) => {
    const target = newCluster(path);
    const stopAt = '3';
    const interrupted = found(path, {
      ...target,
      onReplica: (replica) => {
        if (replica === stopAt) throw new Error('interrupted by the test');
      },
    });
    assert.match(await interrupted.then(String, String), /interrupted by the test/);
    for (const id of target.replicas)
      await assertRejects(
        claim(target.folderOf(id), id),
        'BAD_CONFIG',
        /is incomplete: the command that wrote/,
      );
    await assertRejects(found(path, target), 'BAD_CONFIG', /is not empty/);
  });
});

test.run();
