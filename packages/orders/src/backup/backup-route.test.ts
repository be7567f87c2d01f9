/** Backups that a running replica sends. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Metrics } from '@trireme/service';
import { BACKUPS_MAX, BackupRoute } from './backup-route.js';
import { openBackup, writeBackup } from './backup-file.js';
import { readBackupStream } from './backup-stream.js';
import { checkRecords } from './contents.js';
import { buy } from '../rules/testing/batches.js';
import type { BackupHeader } from '../rules/backup/header.js';
import { withFolder } from '../testing/folders.js';
import { ENTRIES, fillStore, openStore } from '../testing/stores.js';
import { TestReplica, until } from '../testing/test-replica.js';

async function withReplica(run: (replica: TestReplica, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const replica = new TestReplica(join(folder, 'replica'));
    replica.catalog.start();
    try {
      await replica.start();
      await run(replica, folder);
      assert.equal(replica.fatals, []);
    } finally {
      await replica.close();
    }
  });
}

/** Requests a backup and writes it to a file. */
async function take(
  replica: TestReplica,
  path: string,
  since: BackupHeader | null = null,
): Promise<BackupHeader> {
  const response = await replica.open(since === null ? '/backup' : `/backup?${queryOf(since)}`);
  assert.is(response.status, 200);
  assert.ok(response.body !== null);
  const source = await readBackupStream(response.body);
  await writeBackup(path, source);
  return source.header;
}

function queryOf({ lastSeq, index, hash, life }: BackupHeader): string {
  return `after=${lastSeq}&index=${index}&hash=${hash}&life=${life}`;
}

async function countOf(path: string): Promise<number> {
  const { header, contents } = await openBackup(path);
  let count = 0;
  for await (const record of checkRecords(header, await contents())) count += record.length / 2;
  return count;
}

const storedOrders = async (replica: TestReplica, count: number): Promise<void> =>
  until(() => replica.status['orders'] === count, 'the stored orders');

test('a full backup, and the batches since then', async () => {
  await withReplica(async (replica, folder) => {
    const frontend = await replica.connectReadyFrontend();
    await frontend.place(buy('a'));
    await storedOrders(replica, 1);
    const full = await take(replica, join(folder, 'full'));
    assert.equal([full.cluster, full.orders, full.since], ['test', 1, null]);
    assert.is(full.hash, replica.status['hash']);
    await frontend.place(buy('b'));
    await frontend.place(buy('c'));
    await storedOrders(replica, 3);
    const later = await take(replica, join(folder, 'later'), full);
    assert.equal([later.orders, later.since?.hash], [3, full.hash]);
    assert.is(await countOf(join(folder, 'later')), 2, 'one record per batch');
    assert.is(await countOf(join(folder, 'full')), 4, 'a stock, a page, a key, a batch');
    const none = await take(replica, join(folder, 'none'), later);
    assert.is(await countOf(join(folder, 'none')), 0);
    assert.is(none.hash, later.hash);
    const metrics = await replica.get('/metrics');
    assert.match(metrics, /trireme_backups_total\{[^}]*kind="full"[^}]*result="done"[^}]*\} 1/);
    assert.match(metrics, /trireme_backups_open\S* 0/);
  });
});

test('what cannot be continued is refused with advice', async () => {
  await withReplica(async (replica, folder) => {
    const frontend = await replica.connectReadyFrontend();
    await frontend.place(buy('a'));
    await storedOrders(replica, 1);
    const full = await take(replica, join(folder, 'full'));
    const refusal = async (query: string): Promise<string> => {
      const { code, answer } = await replica.ask(`/backup?${query}`);
      return `${code} ${JSON.stringify(answer)}`;
    };
    assert.match(await refusal('after=x'), /^400 .*after must be a whole number/);
    assert.match(await refusal('after=1&index=1&hash=0&life=0'), /^400 .*hash is not 64 hexadecimal digits/);
    const other = { ...full, life: 'f'.repeat(16) };
    assert.match(await refusal(queryOf(other)), /^400 .*another life of the cluster.*take a full backup/);
    const ahead = { ...full, index: full.index + 1000 };
    assert.match(await refusal(queryOf(ahead)), /^503 .*it lags; try again, or use another replica/);
    assert.match(
      await refusal(queryOf({ ...full, hash: 'e'.repeat(64) })),
      /^400 .*hashes at the same batch differ/,
    );
    assert.match(await replica.get('/backup'), /UNAUTHORIZED/);
  });
});

test('a bounded number is open at a time, and one whose client leaves is closed', async () => {
  await withFolder(async (folder) => {
    await fillStore(folder, ENTRIES);
    const { store } = await openStore(folder);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const route = new BackupRoute({
      store: () => store,
      cluster: 'test',
      pacer: { waitForTurn: async () => held, measure: (work) => work() },
      metrics: new Metrics({ service: 'replica', id: '1' }),
    });
    const open = (): { response: PassThrough; end: Promise<string> } => {
      const response = Object.assign(new PassThrough(), { writeHead: () => undefined });
      const request = { url: '/backup' } as unknown as IncomingMessage;
      const end = route.handle(request, response as unknown as ServerResponse).then(() => 'done', String);
      return { response, end };
    };
    const backups = Array.from({ length: BACKUPS_MAX }, open);
    assert.match(await open().end, /is sending 2 backups already; try again later/);
    for (const { response } of backups) response.destroy();
    release();
    for (const { end } of backups) assert.match(await end, /Premature close/);
    const whole = open();
    whole.response.resume();
    assert.is(await whole.end, 'done');
    await store.close();
  });
});

test.run();
