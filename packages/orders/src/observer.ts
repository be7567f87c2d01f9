/** For tests that stop a replica's process at a step of an order's path. */
import type { LogStorage, Transport } from '@trireme/raft';
import type { OrderStep } from './leader-session.js';

export interface ReplicaObserver {
  readonly storage: (storage: LogStorage) => LogStorage;
  readonly transport: (transport: Transport) => Transport;
  readonly onStep: (step: OrderStep) => void;
}

export const NOT_OBSERVED: ReplicaObserver = {
  storage: (storage) => storage,
  transport: (transport) => transport,
  onStep: () => undefined,
};
