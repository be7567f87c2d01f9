/** Kinds of faults are rows of tables. A new kind of fault, or an action of an operator, is a new row. */
import { combineUndos, type FaultKindOf, type Random } from '@trireme/raft-sim';
import type { ProcessKind } from '../hosts/environment.js';
import type { SimulatedProcess } from '../hosts/host.js';
import type { SystemSimulation } from '../system-simulation.js';

export type FaultKind = FaultKindOf<SystemSimulation>;

/** Picks a process of any kind: often a leader, because faults of leaders find most bugs. */
export function pickVictim(simulation: SystemSimulation, random: Random): SimulatedProcess {
  const kind = random.pick<ProcessKind>(['replica', 'replica', 'catalog', 'catalog', 'frontend']);
  const { leaders } = simulation;
  if (kind === 'replica' && leaders.length > 0 && random.chance(0.6)) return random.pick(leaders);
  return random.pick(
    simulation.hosts
      .filter((host) => host.kind === kind && host.isUp)
      .concat(simulation.replicas.slice(0, 1)),
  );
}

/** Every ordered pair of processes. */
export function directions({ hosts }: SystemSimulation): (readonly [SimulatedProcess, SimulatedProcess])[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Cuts the directions for which `isHit` is true. */
export function cut(
  simulation: SystemSimulation,
  isHit: (from: SimulatedProcess, to: SimulatedProcess) => boolean,
): () => void {
  const hit = directions(simulation).filter(([from, to]) => isHit(from, to));
  return combineUndos(hit.map(([from, to]) => simulation.impair(from, to, { cut: true })));
}
