/** What a fault is: a row of a table. A new kind of fault, or an operator's action, is one more row. */
import { all, type KindOf, type Random } from '@trireme/raft/sim';
import type { HostKind } from '../hosts/environment.js';
import type { Host } from '../hosts/host.js';
import type { World } from '../world.js';

export type FaultKind = KindOf<World>;

/** A process of any kind: often a leader, as most goes wrong around leaders. */
export function pickVictim(world: World, random: Random): Host {
  const kind = random.pick<HostKind>(['replica', 'replica', 'catalog', 'catalog', 'frontend']);
  const { leaders } = world;
  if (kind === 'replica' && leaders.length > 0 && random.chance(0.6)) return random.pick(leaders);
  return random.pick(
    world.hosts.filter((host) => host.kind === kind && host.isUp).concat(world.replicas.slice(0, 1)),
  );
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
