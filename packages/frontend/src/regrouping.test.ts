/** A front-end whose replicas come and go while it serves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FakeReplica, until } from './testing/fakes.js';
import { fillOrders, withRig } from './testing/rig.js';

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

test('it links with who joins, lets go of who has left, and follows the leader there, while orders are open', async () => {
  await withRig({}, async ({ replicas: [first, second], url }) => {
    const third = new FakeReplica('3.5f0c9a31');
    await third.start();
    try {
      // The first one takes orders and never answers.
      first.onFrame = () => undefined;
      const open = [place(url), place(url), place(url)];
      await until(() => first.of('submit').length > 0, 'the orders are with the leader');
      third.onFrame = fillOrders();
      second.send({
        t: 'members',
        index: 5,
        items: [
          ['2', second.url],
          ['3.5f0c9a31', third.url],
        ],
      });
      await until(() => third.links.length > 0 && first.links.length === 0, 'the links');
      third.tellLeader('3.5f0c9a31', 2);
      assert.equal(await Promise.all(open), [200, 200, 200]);
      const status = await statusOf(url);
      assert.is(status.leader, '3.5f0c9a31');
      assert.equal(status.orders.replicas, [
        { id: '2', connected: true },
        { id: '3.5f0c9a31', connected: true },
      ]);
      second.send({ t: 'members', index: 4, items: [['1', first.url]] });
      assert.is(await place(url), 200, 'old news changes nothing');
    } finally {
      await third.stop();
    }
  });
});

test('where all that it knows are gone it begins again with the list of its start', async () => {
  await withRig({}, async ({ replicas: [first, second], url }) => {
    const third = new FakeReplica('3');
    await third.start();
    first.send({ t: 'members', index: 5, items: [['3', third.url]] });
    await until(
      () => third.links.length > 0 && first.links.length + second.links.length === 0,
      'the new links',
    );
    await third.stop();
    await until(() => first.links.length === 1 && second.links.length === 1, 'the links of the start');
    first.tellLeader('1', 7);
    first.onFrame = fillOrders();
    assert.is(await place(url), 200);
  });
});

test.run();
