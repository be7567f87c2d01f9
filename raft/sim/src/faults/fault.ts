/** What a fault is: a row of a table. A new kind of fault, or an operator's action, is one more row. */
import type { NodeSettings, SimProcess } from '../cluster/process.js';
import type { Random } from '../engine/random.js';
import type { World } from '../world.js';
import type { KindOf } from './nemesis.js';

export interface FaultKind extends KindOf<World> {
  /** Whether it is of any use in this run; always unless given. */
  readonly isApplicable?: (settings: NodeSettings) => boolean;
}

/** Those who believe that they lead. */
export function leadersOf({ processes }: World): readonly SimProcess[] {
  return processes.filter(({ life }) => life?.role === 'leader');
}

/** A member: in half of the cases one that believes that it leads, as most goes wrong around leaders. */
export function pickVictim(world: World, random: Random): SimProcess {
  const leaders = leadersOf(world);
  return leaders.length > 0 && random.chance(0.5) ? random.pick(leaders) : random.pick(world.processes);
}
