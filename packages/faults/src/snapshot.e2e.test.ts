/**
 * A replica is down until the logs of the others are compacted beyond its last entry: under load it is
 * restored from a snapshot.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestCluster, orderNumberOf, parseBookRows, waitUntil } from './test-cluster.js';

const COMPACT_ENTRIES = 40;
const COMPACT_KEEP = 10;
const CLIENTS = 6;
const test = suite('snapshot');

const testCluster = TestCluster.forSuite(test, {
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
  const { processes } = testCluster().cluster.describe();
  const url = processes.find(({ id }) => id === name)?.url ?? '';
  return (await (await fetch(`${url}/status`)).json()) as ReplicaStatus;
}

/** Clients that place orders, each with its own key, until `stop`. */
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
      const answer = await testCluster().order('sell', 'AAPL', 1, key);
      if (answer.status === 200) this.numbers.set(key, orderNumberOf(answer));
      else this.failures.push(answer.text);
    }
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    await this.#done;
  }
}

test('replica that was down during a compaction is restored from a snapshot under load; all books are equal', async () => {
  const leader = (await testCluster().cluster.leaderName()) ?? '';
  const lagging = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== leader) ?? '';
  await testCluster().order('sell', 'AAPL', 1, 'first');
  const { lastIndex } = await statusOf(lagging);
  await testCluster().cluster.kill(lagging);

  const clients = new Clients('order');
  await waitUntil('the leader has compacted entries that the lagging replica needs', async () => {
    return (await statusOf(leader)).firstIndex > lastIndex + 100;
  });
  await testCluster().cluster.startProcess(lagging);
  await testCluster().cluster.awaitProcessReady(lagging);
  await waitUntil('the lagging replica has caught up', async () => {
    return (await statusOf(lagging)).applied > lastIndex + 100;
  });
  const placed = clients.numbers.size;
  await waitUntil('more orders are answered', () => clients.numbers.size > placed + 50);
  await clients.stop();

  assert.equal(clients.failures, [], 'no failed request');
  const pointer = join(testCluster().dataDir, lagging, 'book.current');
  assert.match(readFileSync(pointer, 'utf8'), /^book-\d+\n$/, 'the replica was restored from a snapshot');
  const rows = parseBookRows(await testCluster().waitForEqualBooks());
  assert.is(rows.length, clients.numbers.size + 1);
  const hashes = await Promise.all(
    ['replica-1', 'replica-2', 'replica-3'].map(async (name) => (await statusOf(name)).hash),
  );
  assert.is(new Set(hashes).size, 1, 'all hashes are equal');
  for (const name of ['replica-1', 'replica-2', 'replica-3']) {
    const { firstIndex, applied } = await statusOf(name);
    assert.ok(
      applied - firstIndex < 4 * COMPACT_ENTRIES,
      `the log of ${name} is compacted: it has entries ${firstIndex} to ${applied}`,
    );
  }

  // The next leader may be the restored replica: retries with the same keys return the same numbers.
  const killed = (await testCluster().cluster.leaderName()) ?? '';
  await testCluster().cluster.kill(killed);
  for (const [key, number] of [...clients.numbers].slice(0, 100)) {
    assert.is(orderNumberOf(await testCluster().order('sell', 'AAPL', 1, key)), number, key);
  }
  await testCluster().cluster.startProcess(killed);
  await testCluster().cluster.awaitProcessReady(killed);
  assert.is(
    parseBookRows(await testCluster().waitForEqualBooks()).length,
    rows.length,
    'retries make no second order',
  );
});

test('replica that was restored from a snapshot restarts from its disk', async () => {
  const before = await testCluster().waitForEqualBooks();
  for (const name of ['replica-1', 'replica-2', 'replica-3']) {
    await testCluster().cluster.restart(name);
    await testCluster().cluster.awaitProcessReady(name);
  }
  await testCluster().cluster.awaitReady();
  assert.is(await testCluster().waitForEqualBooks(), before);
});

test.run();
