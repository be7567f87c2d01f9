/** Kinds of faults are rows of tables. A new kind of fault, or an action of an operator, is a new row. */
import type { RunSettings, SimProcess } from '../cluster/process.js';
import type { Random } from '../engine/random.js';
import type { ClusterSimulation } from '../cluster-simulation.js';
import type { FaultKindOf } from './nemesis.js';

export interface FaultKind extends FaultKindOf<ClusterSimulation> {
  /** Whether the fault makes sense with these settings. By default always. */
  readonly isApplicable?: (settings: RunSettings) => boolean;
}

/** The processes that believe they lead. */
export function leadersOf({ processes }: ClusterSimulation): readonly SimProcess[] {
  return processes.filter(({ instance }) => instance?.role === 'leader');
}

/** Picks a process: in half of the cases one that believes it leads, because faults of leaders find most bugs. */
export function pickVictim(simulation: ClusterSimulation, random: Random): SimProcess {
  const leaders = leadersOf(simulation);
  return leaders.length > 0 && random.chance(0.5) ? random.pick(leaders) : random.pick(simulation.processes);
}
