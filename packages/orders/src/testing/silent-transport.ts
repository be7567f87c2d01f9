/** A transport for a group of one: nobody is there. */
import type { Transport } from '@trireme/raft';

export const SILENT: Transport = {
  start: async () => Promise.resolve(),
  stop: async () => Promise.resolve(),
  send: () => undefined,
  sendSnapshot: async () => Promise.reject(new Error('nobody is there')),
  peers: () => [],
  addPeer: () => undefined,
  removePeer: () => undefined,
};
