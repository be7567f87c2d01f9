/** Membership changes of the group while the front-end serves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FakeReplica, waitUntil } from '../testing/fakes.js';
import { fillEveryOrder, withFrontend } from '../testing/fixture.js';

async function place(url: string): Promise<number> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'AAPL', type: 'buy', quantity: 1 }),
  });
  await response.arrayBuffer();
  return response.status;
}

interface Status {
  readonly leader: string | null;
  readonly orders: { readonly replicas: readonly { readonly id: string; readonly connected: boolean }[] };
}

const statusOf = async (url: string): Promise<Status> =>
  (await fetch(`${url}/status`)).json() as Promise<Status>;

test('connects to added replicas, drops removed ones and follows the new leader while orders are open', async () => {
  await withFrontend({}, async ({ replicas: [first, second], url }) => {
    const third = new FakeReplica('3.5f0c9a31');
    await third.start();
    try {
      // The first replica accepts orders and never answers.
      first.onFrame = () => undefined;
      const open = [place(url), place(url), place(url)];
      await waitUntil(() => first.framesOfType('submit').length > 0, 'the leader has the orders');
      third.onFrame = fillEveryOrder();
      second.send({
        t: 'members',
        index: 5,
        items: [
          ['2', second.url],
          ['3.5f0c9a31', third.url],
        ],
      });
      await waitUntil(() => third.links.length > 0 && first.links.length === 0, 'the links');
      third.announceLeader('3.5f0c9a31', 2);
      assert.equal(await Promise.all(open), [200, 200, 200]);
      const status = await statusOf(url);
      assert.is(status.leader, '3.5f0c9a31');
      assert.equal(status.orders.replicas, [
        { id: '2', connected: true },
        { id: '3.5f0c9a31', connected: true },
      ]);
      second.send({ t: 'members', index: 4, items: [['1', first.url]] });
      assert.is(await place(url), 200, 'an older configuration changes nothing');
    } finally {
      await third.stop();
    }
  });
});

test('returns to its initial replica list when all known replicas are unreachable', async () => {
  await withFrontend({}, async ({ replicas: [first, second], url }) => {
    const third = new FakeReplica('3');
    await third.start();
    first.send({ t: 'members', index: 5, items: [['3', third.url]] });
    await waitUntil(
      () => third.links.length > 0 && first.links.length + second.links.length === 0,
      'the new links',
    );
    await third.stop();
    await waitUntil(
      () => first.links.length === 1 && second.links.length === 1,
      'the links to the initial replicas',
    );
    first.announceLeader('1', 7);
    first.onFrame = fillEveryOrder();
    assert.is(await place(url), 200);
  });
});

test.run();
