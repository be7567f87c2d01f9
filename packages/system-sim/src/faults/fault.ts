/** Kinds of faults are rows of tables. A new kind of fault, or an action of an operator, is a new row. */
import { combineUndos, type FaultKindOf, type Random } from '@trireme/raft/sim';
import type { ProcessKind } from '../hosts/environment.js';
import type { SimulatedProcess } from '../hosts/host.js';
import type { SystemSimulation } from '../system-simulation.js';

export type FaultKind = FaultKindOf<SystemSimulation>;

/** Picks a process of any kind: often a leader, because faults of leaders find most bugs. */
export function pickVictim(world: SystemSimulation, random: Random): SimulatedProcess {
  const kind = random.pick<ProcessKind>(['replica', 'replica', 'catalog', 'catalog', 'frontend']);
  const { leaders } = world;
  if (kind === 'replica' && leaders.length > 0 && random.chance(0.6)) return random.pick(leaders);
  return random.pick(
    world.hosts.filter((host) => host.kind === kind && host.isUp).concat(world.replicas.slice(0, 1)),
  );
}

/** Every ordered pair of processes. */
export function directions({ hosts }: SystemSimulation): (readonly [SimulatedProcess, SimulatedProcess])[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Cuts the directions for which `isHit` is true. */
export function cut(
  world: SystemSimulation,
  isHit: (from: SimulatedProcess, to: SimulatedProcess) => boolean,
): () => void {
  const hit = directions(world).filter(([from, to]) => isHit(from, to));
  return combineUndos(hit.map(([from, to]) => world.impair(from, to, { cut: true })));
}
