/** The faults of the whole system, and how a run is troubled by them. */
import { MS, SECOND, type Mix, type Random } from '@trireme/raft/sim';
import type { World } from '../world.js';
import type { FaultKind } from './fault.js';
import { NETWORK_FAULTS } from './network.js';
import { OPERATORS } from './operators.js';
import { PROCESS_FAULTS } from './process.js';

const KINDS: readonly FaultKind[] = [...NETWORK_FAULTS, ...PROCESS_FAULTS, ...OPERATORS];

export function drawMix(random: Random): Mix<World> {
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
