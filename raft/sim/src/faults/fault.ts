/** What a fault is: a row of a table. A new kind of fault, or an operator's action, is one more row. */
import type { NodeSettings, SimProcess } from '../cluster/process.js';
import type { Random } from '../engine/random.js';
import type { World } from '../world.js';

/** A fault that goes on until it is stopped. */
export interface Running {
  readonly text: string;
  stop(): void;
}

export interface FaultKind {
  readonly name: string;
  /** How often it is drawn, in relation to others. */
  readonly weight: number;
  /** Whether it is of any use in this run; always unless given. */
  readonly isApplicable?: (settings: NodeSettings) => boolean;
  /** Begins it somewhere that `random` decides; null if there is nothing to break now. */
  readonly begin: (world: World, random: Random) => Running | null;
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

/** Several undos as one. */
export function all(undos: readonly (() => void)[]): () => void {
  return () => {
    for (const undo of undos) undo();
  };
}

/** A fault that is over at once. */
export function instant(text: string): Running {
  return { text, stop: () => undefined };
}
