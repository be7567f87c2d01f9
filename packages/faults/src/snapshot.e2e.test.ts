/** A replica sleeps until the others' logs no longer have what it needs: it comes back by a snapshot, under orders. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Stage, numberOf, rowsOf, until } from './stage.js';

const COMPACT_ENTRIES = 40;
const COMPACT_KEEP = 10;
const CLIENTS = 6;
const test = suite('snapshot');

const stage = Stage.of(test, {
  env: () => ({
    TRIREME_COMPACT_ENTRIES: String(COMPACT_ENTRIES),
    TRIREME_COMPACT_KEEP: String(COMPACT_KEEP),
  }),
});

interface ReplicaStatus {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly applied: number;
  readonly hash: string;
}

async function statusOf(name: string): Promise<ReplicaStatus> {
  const { processes } = stage().cluster.describe();
  const url = processes.find(({ id }) => id === name)?.url ?? '';
  return (await (await fetch(`${url}/status`)).json()) as ReplicaStatus;
}

/** Clients that go on placing orders, each with a key of its own, until they are told to stop. */
class Clients {
  readonly numbers = new Map<string, number>();
  readonly failures: string[] = [];
  #isOpen = true;
  readonly #done: Promise<unknown>;

  constructor(name: string) {
    this.#done = Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => this.#run(`${name}-${client}`)),
    );
  }

  async #run(client: string): Promise<void> {
    for (let i = 0; this.#isOpen; i += 1) {
      const key = `${client}-${i}`;
      const answer = await stage().order('sell', 'AAPL', 1, key);
      if (answer.status === 200) this.numbers.set(key, numberOf(answer));
      else this.failures.push(answer.text);
    }
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    await this.#done;
  }
}

test('a replica that slept through a compaction is fed by a snapshot while orders flow; all books are the same', async () => {
  const leader = (await stage().cluster.leader()) ?? '';
  const sleeper = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== leader) ?? '';
  await stage().order('sell', 'AAPL', 1, 'first');
  const { lastIndex: slept } = await statusOf(sleeper);
  await stage().cluster.kill(sleeper);

  const clients = new Clients('order');
  await until('the leader has compacted what the sleeper needs', async () => {
    return (await statusOf(leader)).firstIndex > slept + 100;
  });
  await stage().cluster.startProcess(sleeper);
  await stage().cluster.waitProcessReady(sleeper);
  await until('the sleeper has caught up', async () => {
    return (await statusOf(sleeper)).applied > slept + 100;
  });
  const placed = clients.numbers.size;
  await until('orders go on', () => clients.numbers.size > placed + 50);
  await clients.stop();

  assert.equal(clients.failures, [], 'no failed request');
  const pointer = join(stage().dataDir, sleeper, 'book.current');
  assert.match(readFileSync(pointer, 'utf8'), /^book-\d+\n$/, 'it was a snapshot that brought it back');
  const rows = rowsOf(await stage().agreedBook());
  assert.is(rows.length, clients.numbers.size + 1);
  const hashes = await Promise.all(
    ['replica-1', 'replica-2', 'replica-3'].map(async (name) => (await statusOf(name)).hash),
  );
  assert.is(new Set(hashes).size, 1, 'and all hashes are the same');
  for (const name of ['replica-1', 'replica-2', 'replica-3']) {
    const { firstIndex, applied } = await statusOf(name);
    assert.ok(
      applied - firstIndex < 4 * COMPACT_ENTRIES,
      `${name} has a log from ${firstIndex} to ${applied}`,
    );
  }

  // Whoever leads next may be the one that was restored: the same keys tell the same numbers.
  const again = (await stage().cluster.leader()) ?? '';
  await stage().cluster.kill(again);
  for (const [key, number] of [...clients.numbers].slice(0, 100)) {
    assert.is(numberOf(await stage().order('sell', 'AAPL', 1, key)), number, key);
  }
  await stage().cluster.startProcess(again);
  await stage().cluster.waitProcessReady(again);
  assert.is(rowsOf(await stage().agreedBook()).length, rows.length, 'and make no second order');
});

test('a replica that was fed by a snapshot starts again from its disk', async () => {
  const before = await stage().agreedBook();
  for (const name of ['replica-1', 'replica-2', 'replica-3']) {
    await stage().cluster.restart(name);
    await stage().cluster.waitProcessReady(name);
  }
  await stage().cluster.waitReady();
  assert.is(await stage().agreedBook(), before);
});

test.run();
