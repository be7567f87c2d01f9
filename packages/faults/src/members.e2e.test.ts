/** Membership changes under load: a replica that lost its disk rejoins, and a new replica replaces another. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '@trireme/cluster';
import { TestCluster, waitUntil } from './test-cluster.js';

const members = suite('members');
const testCluster = TestCluster.forSuite(members);

interface Group {
  readonly self: string;
  readonly lastIndex: number;
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly role: string;
    readonly match: number | null;
  }[];
}

/** A member that lags by fewer entries counts as caught up, because orders continue meanwhile. */
const LAG_MAX = 50;

function entryOf(name: string): { readonly url: string; readonly peerUrl: string } {
  const entry = testCluster()
    .cluster.describe()
    .processes.find(({ id }) => id === name);
  return { url: entry?.url ?? '', peerUrl: entry?.peerUrl ?? '' };
}

async function leader(): Promise<string> {
  const found: { name: string | null } = { name: null };
  await waitUntil('a replica leads', async () => {
    found.name = await testCluster().cluster.leaderName();
    return found.name !== null;
  });
  return found.name ?? '';
}

/** Reads the group from the leader, or changes it. @returns the current group */
async function group(change?: readonly object[]): Promise<Group> {
  const { url } = entryOf(await leader());
  const response = await fetch(`${url}/members`, {
    headers: { 'x-trireme-secret': readSecret(testCluster().dataDir) },
    method: change === undefined ? 'GET' : 'POST',
    body: change === undefined ? null : JSON.stringify({ change }),
  });
  const text = await response.text();
  assert.is(response.status, 200, text);
  return JSON.parse(text) as Group;
}

/**
 * Replaces the member `old` by the process `name`, which is a learner until it has caught up.
 * @returns the new member id
 */
async function replaceMember(name: string, old: string): Promise<string> {
  const { url, peerUrl } = entryOf(name);
  const status: { id: string } = { id: '' };
  await waitUntil(`${name} answers`, async () => {
    const response = await fetch(`${url}/status`).catch(() => null);
    if (response === null) return false;
    status.id = ((await response.json()) as { id: string }).id;
    return true;
  });
  const { id } = status;
  await group([{ type: 'addLearner', id, url, peerUrl }]);
  await waitUntil(`${id} has caught up`, async () => {
    const { lastIndex, members: all } = await group();
    const match = all.find((member) => member.id === id)?.match ?? null;
    return match !== null && lastIndex - match < LAG_MAX;
  });
  const { members: now } = await group([
    { type: 'remove', id: old },
    { type: 'addVoter', id },
  ]);
  assert.ok(now.every((member) => member.role === 'voter' && member.id !== old));
  assert.is(now.length, 3);
  return id;
}

members(
  'wiped replica rejoins as a new member, and a fourth replica replaces another one, under load',
  async () => {
    const { cluster } = testCluster();
    const statuses: number[] = [];
    const load = { isRunning: true };
    const loading = (async () => {
      while (load.isRunning) statuses.push((await testCluster().order('sell', 'AAPL', 1)).status);
    })();
    try {
      await waitUntil('orders are answered', () => statuses.length > 20);
      const lead = await leader();
      const wiped = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== lead) ?? '';
      await cluster.resetReplica(wiped);
      const number = wiped.replace('replica-', '');
      const id = await replaceMember(wiped, number);
      assert.match(id, new RegExp(`^${number}\\.[0-9a-f]{8}$`), 'a new member id');
      await cluster.restart(wiped);
      await cluster.awaitProcessReady(wiped);
      assert.ok(
        (await group()).members.some((member) => member.id === id),
        'a restart keeps the member id',
      );

      await cluster.addProcess('replica-4');
      const before = await group();
      const leaving = before.members.find((member) => member.id !== before.self);
      assert.ok(leaving !== undefined);
      await replaceMember('replica-4', leaving.id);
      await cluster.removeProcess(`replica-${leaving.name}`);
      const count = statuses.length;
      await waitUntil('more orders are answered', () => statuses.length > count + 20);
    } finally {
      load.isRunning = false;
      await loading;
    }
    assert.equal([...new Set(statuses)], [200]);
    await waitUntil('all books are equal and complete', async () => {
      const replicas = await testCluster().replicaStates();
      return (
        replicas.every(({ pending }) => pending === 0) && new Set(replicas.map(({ book }) => book)).size === 1
      );
    });
    const [replica] = await testCluster().replicaStates();
    assert.is(
      replica?.book.trim().split('\n').length,
      statuses.length + 1,
      'the book contains each order once',
    );
  },
);

members.run();
