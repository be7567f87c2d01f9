/** A replicated key-value store: three members in one process, over HTTP, with logs in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RaftError, RaftNode, type Entry, type StateMachine } from '@trireme/raft';
import { HttpTransport } from '@trireme/raft/http';
import { LevelLog } from '@trireme/raft/level';

/** Kept only in memory: `applied` starts at 0, so the whole log is applied again after a restart. */
class Store implements StateMachine {
  applied = 0;
  readonly values = new Map<string, string>();
  async apply(entries: readonly Entry[]): Promise<void> {
    for (const { index, kind, data } of entries) {
      const text = Buffer.from(data).toString();
      if (kind === 'command') this.values.set(...(JSON.parse(text) as [string, string]));
      this.applied = index;
    }
    return Promise.resolve();
  }
}

const folder = await mkdtemp(`${tmpdir()}/raft-example-`);
const group = { cluster: 'example', secret: 'known to members', listen: { host: '127.0.0.1', port: 0 } };
const transports = new Map(['a', 'b', 'c'].map((id) => [id, new HttpTransport({ id, ...group })]));
const addresses = new Map<string, string>();
for (const [id, transport] of transports) addresses.set(id, `http://127.0.0.1:${await transport.listen()}`);
const members = new Map<string, { readonly node: RaftNode; readonly store: Store }>();
for (const [id, transport] of transports) {
  const storage = await LevelLog.open({ path: `${folder}/${id}`, cluster: group.cluster, id });
  const store = new Store();
  const parts = { addresses, storage, transport, stateMachine: store, onFatal: console.error };
  const node = await RaftNode.start({ id, members: [...transports.keys()], ...parts });
  members.set(id, { node, store });
}

/** Runs `run` at the leader, with retries: setting a value twice is harmless, other commands need ids. */
async function atLeader<T>(run: (node: RaftNode, store: Store) => Promise<T>): Promise<T> {
  for (; ; await sleep(20, null)) {
    const leader = [...members.values()].find(({ node }) => node.status().leading);
    try {
      if (leader !== undefined) return await run(leader.node, leader.store);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
    }
  }
}
const put = async (...pair: [key: string, value: string]) =>
  atLeader(async (node) => node.submit(Buffer.from(JSON.stringify(pair))));
const get = async (key: string) =>
  atLeader(async (node, store) => node.read().then(() => store.values.get(key)));

await Promise.all([put('ship', 'trireme'), put('oars', '170')]);
console.log('ship:', await get('ship'), 'oars:', await get('oars'));
const leader = await atLeader(async (node) => Promise.resolve(node));
await leader.stop();
members.delete(leader.status().id);
console.log('leader stopped, ship:', await get('ship'), 'oars:', await get('oars'));
for (const { node } of members.values()) await node.stop();
await rm(folder, { recursive: true });
