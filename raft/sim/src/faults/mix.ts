/** The faults of Raft clusters, and the mix of them in a run. */
import type { Random } from '../engine/random.js';
import { MS, SECOND } from '../engine/scheduler.js';
import type { ClusterSimulation } from '../cluster-simulation.js';
import type { FaultKind } from './fault.js';
import { MEMBERSHIP_FAULTS } from './membership.js';
import type { FaultMix } from './nemesis.js';
import { NETWORK_FAULTS } from './network.js';
import { PROCESS_FAULTS } from './process.js';
import { SNAPSHOT_FAULTS } from './snapshots.js';

const KINDS: readonly FaultKind[] = [
  ...NETWORK_FAULTS,
  ...PROCESS_FAULTS,
  ...SNAPSHOT_FAULTS,
  ...MEMBERSHIP_FAULTS,
];

export function drawFaultMix({ settings }: ClusterSimulation, random: Random): FaultMix<ClusterSimulation> {
  const share = random.pick([0.3, 0.6, 1]);
  const applicable = KINDS.filter(({ isApplicable }) => isApplicable?.(settings) ?? true);
  const kinds = applicable.filter(() => random.chance(share));
  return {
    kinds: kinds.length > 0 ? kinds : applicable,
    atOnceMax: random.between(1, 5),
    gapMean: random.pick([200, 500, 1_500]) * MS,
    durationMean: random.pick([300, 1_000, 3_000]) * MS,
    durationMax: 10 * SECOND,
  };
}
