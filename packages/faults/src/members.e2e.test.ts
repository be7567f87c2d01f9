/** The group changes while orders flow: a replica that lost its disk comes back, and another takes the place of one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '@trireme/cluster';
import { Stage, until } from './stage.js';

const members = suite('members');
const stage = Stage.of(members);

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

/** Entries that a member may lack and count as caught up: orders flow meanwhile. */
const LAG_MAX = 50;

function entryOf(name: string): { readonly url: string; readonly peerUrl: string } {
  const entry = stage()
    .cluster.describe()
    .processes.find(({ id }) => id === name);
  return { url: entry?.url ?? '', peerUrl: entry?.peerUrl ?? '' };
}

async function leader(): Promise<string> {
  const found: { name: string | null } = { name: null };
  await until('a replica leads', async () => {
    found.name = await stage().cluster.leader();
    return found.name !== null;
  });
  return found.name ?? '';
}

/** Asks the leader about the group, or has it change the group; the answer is the group as it is then. */
async function group(change?: readonly object[]): Promise<Group> {
  const { url } = entryOf(await leader());
  const response = await fetch(`${url}/members`, {
    headers: { 'x-trireme-secret': readSecret(stage().dataDir) },
    ...(change === undefined ? {} : { method: 'POST', body: JSON.stringify({ change }) }),
  });
  const text = await response.text();
  assert.is(response.status, 200, text);
  return JSON.parse(text) as Group;
}

/** Has the process `name` take the place of the member `old`: as a learner until it has caught up. Returns its id. */
async function letIn(name: string, old: string): Promise<string> {
  const { url, peerUrl } = entryOf(name);
  const status: { id: string } = { id: '' };
  await until(`${name} answers`, async () => {
    const response = await fetch(`${url}/status`).catch(() => null);
    if (response === null) return false;
    status.id = ((await response.json()) as { id: string }).id;
    return true;
  });
  const { id } = status;
  await group([{ type: 'addLearner', id, url, peerUrl }]);
  await until(`${id} has caught up`, async () => {
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
  'a wiped replica comes back as another member, and a fourth one replaces it, while orders flow',
  async () => {
    const { cluster } = stage();
    const statuses: number[] = [];
    const flow = { on: true };
    const load = (async () => {
      while (flow.on) statuses.push((await stage().order('sell', 'AAPL', 1)).status);
    })();
    try {
      await until('orders flow', () => statuses.length > 20);
      const lead = await leader();
      const wiped = ['replica-1', 'replica-2', 'replica-3'].find((name) => name !== lead) ?? '';
      await cluster.renewReplica(wiped);
      const number = wiped.replace('replica-', '');
      const id = await letIn(wiped, number);
      assert.match(id, new RegExp(`^${number}\\.[0-9a-f]{8}$`), 'never again the member that it was');
      await cluster.restart(wiped);
      await cluster.waitProcessReady(wiped);
      assert.ok(
        (await group()).members.some((member) => member.id === id),
        'a restart changes nothing',
      );

      await cluster.add('replica-4');
      const before = await group();
      const goes = before.members.find((member) => member.id !== before.self);
      assert.ok(goes !== undefined);
      await letIn('replica-4', goes.id);
      await cluster.retire(`replica-${goes.name}`);
      const count = statuses.length;
      await until('orders flow on', () => statuses.length > count + 20);
    } finally {
      flow.on = false;
      await load;
    }
    assert.equal([...new Set(statuses)], [200]);
    await until('all books are equal and complete', async () => {
      const replicas = await stage().replicas();
      return (
        replicas.every(({ pending }) => pending === 0) && new Set(replicas.map(({ book }) => book)).size === 1
      );
    });
    const [replica] = await stage().replicas();
    assert.is(replica?.book.trim().split('\n').length, statuses.length + 1, 'each order once');
  },
);

members.run();
