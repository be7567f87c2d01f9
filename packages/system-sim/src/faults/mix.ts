/** The faults of the whole system, and the mix of them in a run. */
import { MS, SECOND, type FaultMix, type Random } from '@trireme/raft-sim';
import type { SystemSimulation } from '../system-simulation.js';
import type { FaultKind } from './fault.js';
import { NETWORK_FAULTS } from './network.js';
import { OPERATOR_ACTIONS } from './operators.js';
import { PROCESS_FAULTS } from './process.js';

const KINDS: readonly FaultKind[] = [...NETWORK_FAULTS, ...PROCESS_FAULTS, ...OPERATOR_ACTIONS];

export function drawMix(random: Random): FaultMix<SystemSimulation> {
  const share = random.pick([0.2, 0.4, 0.8]);
  const kinds = KINDS.filter(() => random.chance(share));
  return {
    kinds: kinds.length > 0 ? kinds : KINDS,
    atOnceMax: random.between(1, 4),
    gapMean: random.pick([100, 300, 1_000]) * MS,
    durationMean: random.pick([100, 300, 1_000]) * MS,
    durationMax: 5 * SECOND,
  };
}
