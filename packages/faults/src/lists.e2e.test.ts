/**
 * Lists without matches, on real processes: each reads a bounded part of the order book, and orders continue.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestCluster } from './test-cluster.js';

const test = suite('lists');
const testCluster = TestCluster.forSuite(test);

/** More orders than one list examines. */
const BOOK_ORDERS = 4_500;
const LISTERS = 64;
const LISTS_MS = 2_000;

interface OrderPage {
  readonly data: readonly unknown[];
  readonly next: number | null;
}

async function page(after: number): Promise<OrderPage> {
  const answer = await testCluster().request('GET', `/orders?name=NOPE&limit=1&after=${after}`);
  assert.is(answer.status, 200, answer.text);
  return answer.json() as OrderPage;
}

async function runWorkers(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, work));
}

test('many clients list the orders of a stock without orders: pages are bounded, orders continue, the leader stays', async () => {
  const orders = Array.from({ length: BOOK_ORDERS }, (_, i) => i).values();
  await runWorkers(128, async () => {
    for (const i of orders) assert.is((await testCluster().order('sell', 'BoarCo', 1, `k${i}`)).status, 200);
  });
  const leader = await testCluster().cluster.leaderName();
  const pages = new Map<number, OrderPage>();
  const end = performance.now() + LISTS_MS;
  let placed = 0;
  await Promise.all([
    runWorkers(LISTERS, async () => {
      for (let after = 0; performance.now() < end;) {
        const read = await page(after);
        pages.set(after, read);
        after = read.next ?? 0;
      }
    }),
    runWorkers(2, async () => {
      for (; performance.now() < end; placed += 1) {
        assert.is((await testCluster().order('sell', 'MenhirCo', 1)).status, 200);
      }
    }),
  ]);
  assert.ok(placed > 0);
  assert.ok([...pages.values()].every(({ data }) => data.length === 0));
  const first = pages.get(0)?.next ?? null;
  assert.ok(first !== null && first < BOOK_ORDERS, 'one page does not cover the whole book');
  assert.is(await testCluster().cluster.leaderName(), leader);
  for (let after: number | null = 0, read = 0; after !== null; read += 1) {
    assert.ok(read < 10, 'paging ends');
    after = (await page(after)).next;
  }
});

test.run();
