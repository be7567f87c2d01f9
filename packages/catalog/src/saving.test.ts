/** What a catalog tells and what its disk has: writes that take their time, fail, or are the last ones. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SAVE_AFTER_MS } from './rules/catalog.js';
import { CatalogStore } from './store.js';
import { attached, decide, elapsed, SlowDisk, until, withCatalog } from './testing/running.js';

test('while the disk takes its time trades are answered, and one write waits for the other', async () => {
  const disk = new SlowDisk();
  await withCatalog({ write: disk.write }, async ({ url, service, stop }) => {
    const leader = await attached(url, service);
    try {
      await leader.send(decide(1, 0));
      assert.equal(await leader.next(), { t: 'decided', items: [[1, [5500]]] });
      assert.is(service.status().savedIndex, 0, 'answered before it is written');
      await until(() => disk.writes.length === 1);
      await leader.send(decide(2, 1));
      assert.equal(await leader.next(), { t: 'decided', items: [[2, [5500]]] });
      await elapsed(2 * SAVE_AFTER_MS);
      await leader.send(decide(3, 2));
      assert.equal(await leader.next(), { t: 'decided', items: [[3, [5500]]] });
      assert.is(disk.writes.length, 1);
      disk.end();
      await until(() => disk.writes.length === 2);
      assert.equal(
        disk.writes.map(({ lastIndex }) => lastIndex),
        [1, 3],
      );
      disk.end();
      await until(() => service.status().savedIndex === 3);
      await stop();
      assert.is(disk.writes.length, 2, 'no rest');
    } finally {
      await leader.stop();
    }
  });
});

test('a write that fails stops the catalog: it answers nothing more, and writes nothing more', async () => {
  const disk = new SlowDisk();
  await withCatalog({ write: disk.write }, async ({ url, service, fatal, stop }) => {
    const leader = await attached(url, service);
    const failure = new Error('disk full');
    try {
      await leader.send(decide(1, 0));
      await leader.next();
      await until(() => disk.writes.length === 1);
      await leader.send(decide(2, 1));
      await leader.next();
      disk.end(failure);
      await until(() => fatal.length > 0);
      assert.is(fatal[0], failure);
      await leader.send(decide(3, 2), { t: 'begin' });
      await elapsed(2 * SAVE_AFTER_MS);
      assert.is(leader.waiting, 0);
      assert.is(service.status().lastIndex, 2);
      await stop();
      assert.is(disk.writes.length, 1);
    } finally {
      await leader.stop();
    }
  });
});

test('a rule that does not hold stops the catalog, and what is in memory then is not written', async () => {
  const disk = new SlowDisk();
  await withCatalog({ write: disk.write }, async ({ url, service, fatal, stop, stopClock }) => {
    const leader = await attached(url, service);
    try {
      stopClock();
      await leader.send(decide(1, 0), { t: 'replay', prev: 1, index: 2, effects: [[2, 0, 'A', 101]] });
      await until(() => fatal.length > 0);
      assert.match(String(fatal[0]), /impossible here/);
      assert.equal(await leader.next(), { t: 'decided', items: [[1, [5500]]] });
      await leader.send({ t: 'begin' });
      await elapsed(2 * SAVE_AFTER_MS);
      assert.is(leader.waiting, 0);
      await stop();
      assert.is(disk.writes.length, 0);
    } finally {
      await leader.stop();
    }
  });
});

test('a catalog that is asked to stop saves the rest, and needs to be told nothing again', async () => {
  await withCatalog({}, async ({ url, folder, service, stop, stopClock }) => {
    const leader = await attached(url, service);
    try {
      stopClock();
      await leader.send(decide(1, 0), decide(2, 1));
      await until(() => service.status().lastIndex === 2);
      assert.is(service.status().savedIndex, 0);
      await stop();
      const store = await CatalogStore.open({ folder, cluster: 'test', seed: [] });
      assert.is(store.state.lastIndex, 2);
      assert.equal(
        [...store.state.outcomes],
        [
          [1, [5500]],
          [2, [5500]],
        ],
      );
      await store.close();
    } finally {
      await leader.stop();
    }
  });
});

test('the rest goes behind the write under way, and not if that one fails', async () => {
  for (const failure of [null, new Error('disk full')]) {
    const disk = new SlowDisk();
    await withCatalog({ write: disk.write }, async ({ url, service, fatal, stop }) => {
      const leader = await attached(url, service);
      try {
        await leader.send(decide(1, 0));
        await until(() => disk.writes.length === 1);
        await leader.send(decide(2, 1));
        await until(() => service.status().lastIndex === 2);
        const stopped = stop();
        await elapsed(20);
        assert.is(disk.writes.length, 1, 'one at a time');
        if (failure === null) {
          disk.end();
          await until(() => disk.writes.length === 2);
          disk.end();
        } else {
          disk.end(failure);
        }
        await stopped;
        assert.equal(fatal, failure === null ? [] : [failure]);
        assert.equal(
          disk.writes.map(({ lastIndex }) => lastIndex),
          failure === null ? [1, 2] : [1],
        );
      } finally {
        await leader.stop();
      }
    });
  }
});

test('a rest that cannot be written is an error of the stop, which closes the store nevertheless', async () => {
  const failure = new Error('disk full');
  await withCatalog(
    { write: async () => Promise.reject(failure) },
    async ({ url, folder, service, stop, stopClock }) => {
      const leader = await attached(url, service);
      try {
        stopClock();
        await leader.send(decide(1, 0));
        await until(() => service.status().lastIndex === 1);
        assert.is(await stop().catch((error: unknown) => error), failure);
        const store = await CatalogStore.open({ folder, cluster: 'test', seed: [] });
        assert.is(store.state.lastIndex, 0);
        await store.close();
      } finally {
        await leader.stop();
      }
    },
  );
});

test.run();
