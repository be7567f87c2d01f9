/** A transport for a group of one, without peers. */
import type { Transport } from '@trireme/raft';

export const SILENT: Transport = {
  start: async () => Promise.resolve(),
  stop: async () => Promise.resolve(),
  send: () => undefined,
  sendSnapshot: async () => Promise.reject(new Error('there are no peers')),
  peers: () => [],
  addPeer: () => undefined,
  removePeer: () => undefined,
};
