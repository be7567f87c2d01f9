/** A Raft node that is its whole group, with its log and its book in one folder, for tests. */
import { join } from 'node:path';
import { RaftNode, type Transport } from '@trireme/raft';
import { LevelLog } from '@trireme/raft/level';
import type { BookStateMachine, MachineEvents } from '../book/machine.js';
import { openBook } from '../book/open.js';
import type { BookStore } from '../book/store.js';
import { until } from './test-replica.js';

/** A transport without peers. */
export const SILENT: Transport = {
  start: async () => Promise.resolve(),
  stop: async () => Promise.resolve(),
  send: () => undefined,
  sendSnapshot: async () => Promise.reject(new Error('there are no peers')),
  peers: () => [],
  addPeer: () => undefined,
  removePeer: () => undefined,
};

const THROWING: MachineEvents = {
  onApplied: () => undefined,
  onStored: () => undefined,
  onError: (error) => {
    throw error;
  },
};

interface SingleNode {
  readonly node: RaftNode;
  readonly storage: LevelLog;
  readonly machine: BookStateMachine<BookStore>;
}

/**
 * Starts a node on the data of its previous run, and waits until it leads.
 * @param events `onError` also gets the fatal errors of the node; by default every error is thrown
 */
export async function startSingleNode(
  data: string,
  events: Partial<MachineEvents> = {},
): Promise<SingleNode> {
  const handlers: MachineEvents = { ...THROWING, ...events };
  const storage = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '1' });
  const createMachine = await openBook({ data, cluster: 'test', id: '1' });
  const machine = createMachine(handlers);
  const node = await RaftNode.start({
    id: '1',
    members: ['1'],
    storage,
    transport: SILENT,
    stateMachine: machine,
    onFatal: (error) => handlers.onError(error),
  });
  await until(() => node.status().leading, 'leadership');
  return { node, storage, machine };
}
