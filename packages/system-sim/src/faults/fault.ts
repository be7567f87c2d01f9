/** What a fault is: a row of a table. A new kind of fault, or an operator's action, is one more row. */
import type { Random } from '@trireme/raft/sim';
import type { HostKind } from '../hosts/environment.js';
import type { Host } from '../hosts/host.js';
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
  /** Begins it somewhere that `random` decides; null if there is nothing to break now. */
  readonly begin: (world: World, random: Random) => Running | null;
}

/** A process of any kind: often a leader, as most goes wrong around leaders. */
export function pickVictim(world: World, random: Random): Host {
  const kind = random.pick<HostKind>(['replica', 'replica', 'catalog', 'catalog', 'frontend']);
  const { leaders } = world;
  if (kind === 'replica' && leaders.length > 0 && random.chance(0.6)) return random.pick(leaders);
  return random.pick(
    world.hosts.filter((host) => host.kind === kind && host.isUp).concat(world.replicas.slice(0, 1)),
  );
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

/** Every direction between two processes. */
export function directions({ hosts }: World): (readonly [Host, Host])[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Cuts the directions that `isHit` names. */
export function cut(world: World, isHit: (from: Host, to: Host) => boolean): () => void {
  const hit = directions(world).filter(([from, to]) => isHit(from, to));
  return all(hit.map(([from, to]) => world.impair(from, to, { cut: true })));
}
