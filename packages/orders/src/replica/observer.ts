/** Hooks for tests that stop a replica process at a step of an order's path. */
import type { LogStorage, Transport } from '@trireme/raft';
import type { OrderStep } from '../leader/session.js';

export interface ReplicaObserver {
  readonly storage: (storage: LogStorage) => LogStorage;
  readonly transport: (transport: Transport) => Transport;
  readonly onStep: (step: OrderStep) => void;
}

export const NO_OBSERVER: ReplicaObserver = {
  storage: (storage) => storage,
  transport: (transport) => transport,
  onStep: () => undefined,
};
