/** A copy of the compiled system and its simulator with one planted bug, in a temporary folder. */
import { createMutant, type Mutant, type Mutation } from '@trireme/raft-sim';

/** The packages that a run needs. */
const PACKAGES: readonly string[] = [
  'raft',
  'raft/sim',
  ...[
    'catalog',
    'coherence',
    'domain',
    'faults',
    'frontend',
    'orders',
    'service',
    'state-machine',
    'system-sim',
  ].map((name) => `packages/${name}`),
];

/** Makes the copy. */
export function createSystemMutant(mutation: Mutation): Mutant {
  return createMutant(mutation, {
    packages: PACKAGES,
    worker: 'packages/system-sim/dist/run-worker.js',
  });
}
