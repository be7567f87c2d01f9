/** What goes wrong between processes. */
import { MS, all, instant, type Running } from '@trireme/raft/sim';
import type { Host } from '../hosts/host.js';
import { cut, directions, pickVictim, type FaultKind } from './fault.js';

function namesOf(hosts: Iterable<Host>): string {
  return [...hosts].map(({ name }) => name).join(' ');
}

const partition: FaultKind = {
  name: 'partition',
  weight: 4,
  begin(world, random): Running {
    const share = random.pick([0.2, 0.5]);
    const side = new Set(world.hosts.filter(() => random.chance(share)));
    const isOneWay = random.chance(0.3);
    const stop = cut(world, (from, to) =>
      isOneWay ? side.has(from) && !side.has(to) : side.has(from) !== side.has(to),
    );
    return { text: `partition${isOneWay ? ', one way' : ''}: ${namesOf(side)} from the others`, stop };
  },
};

/**
 * An old leader goes on with front-ends, and mostly a catalog, on its side: what they may still show is what leases are for, and
 * confirmed reads. Where the others see their links to it break, another leads while it still believes that it does.
 */
const oldLeader: FaultKind = {
  name: 'old leader',
  weight: 4,
  begin(world, random): Running | null {
    const { leaders } = world;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    const side = new Set<Host>([leader]);
    if (random.chance(0.7)) side.add(random.pick(world.catalogs));
    for (const frontend of world.frontends) if (random.chance(0.5)) side.add(frontend);
    const isHungUp = random.chance(0.5);
    if (isHungUp) world.network.hangUp(leader.name);
    const stop = cut(world, (from, to) => side.has(from) !== side.has(to));
    return { text: `old leader: ${namesOf(side)} from the others${isHungUp ? ', links broken' : ''}`, stop };
  },
};

/** A leader dies out of sight of a catalog, which goes on by what that one granted while another begins to lead. */
const unseenDeath: FaultKind = {
  name: 'death unseen by a catalog',
  weight: 6,
  begin(world, random): Running | null {
    const { leaders } = world;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    const catalog = random.pick(world.catalogs);
    const stop = cut(
      world,
      (from, to) =>
        (from === catalog && to.kind === 'replica') || (to === catalog && from.kind === 'replica'),
    );
    world.scheduler.after(random.below(40 * MS), () => {
      world.scheduler.after(random.exponential(200 * MS), leader.takeDown('kill'));
    });
    return { text: `death unseen by a catalog: ${leader.name}, ${catalog.name}`, stop };
  },
};

const isolation: FaultKind = {
  name: 'isolation',
  weight: 4,
  begin(world, random): Running {
    const victim = pickVictim(world, random);
    const way = random.pick(['both ways', 'cannot send', 'cannot receive']);
    const stop = cut(
      world,
      (from, to) => (from === victim && way !== 'cannot receive') || (to === victim && way !== 'cannot send'),
    );
    return { text: `isolation: ${victim.name} ${way}`, stop };
  },
};

/** A link between two processes of different kinds is cut, one way or both. */
const oneLink: FaultKind = {
  name: 'link cut',
  weight: 5,
  begin(world, random): Running {
    const a = pickVictim(world, random);
    const b = random.pick(world.hosts.filter((host) => host !== a));
    const isOneWay = random.chance(0.4);
    const stop = cut(world, (from, to) => (from === a && to === b) || (!isOneWay && from === b && to === a));
    return { text: `link cut: ${a.name} ${isOneWay ? '->' : '<->'} ${b.name}`, stop };
  },
};

const linkReset: FaultKind = {
  name: 'link reset',
  weight: 6,
  begin(world, random): Running {
    const a = pickVictim(world, random);
    for (const b of world.hosts)
      if (b !== a && random.chance(0.4)) {
        world.streams.reset(a, b);
        world.streams.reset(b, a);
      }
    return instant(`link reset: ${a.name}`);
  },
};

const delay: FaultKind = {
  name: 'slow links',
  weight: 5,
  begin(world, random): Running {
    const share = random.pick([0.1, 0.4, 1]);
    const hit = directions(world).filter(() => random.chance(share));
    const mean = random.pick([2, 10, 60]) * MS;
    return {
      text: `slow links: ${hit.length}, ${mean / MS} ms`,
      stop: all(hit.map(([from, to]) => world.impair(from, to, { delay: mean }))),
    };
  },
};

/** Messages of Raft alone: the other links are ordered streams. */
const badWeather: FaultKind = {
  name: 'bad weather',
  weight: 3,
  begin(world, random): Running {
    const weather = random.pick([
      { loss: 0.05 + 0.3 * random.next() },
      { duplication: 0.5 * random.next() },
      { straggling: 0.02 + 0.2 * random.next(), duplication: 0.2 },
      { loss: 0.1, duplication: 0.1, delay: 20 * MS, straggling: 0.05 },
    ]);
    const ids = world.replicas.map(({ name }) => name);
    const undos = ids.flatMap((from) =>
      ids.filter((to) => to !== from).map((to) => world.network.impair(from, to, weather)),
    );
    return { text: `bad weather: ${JSON.stringify(weather)}`, stop: all(undos) };
  },
};

export const NETWORK_FAULTS: readonly FaultKind[] = [
  partition,
  oldLeader,
  unseenDeath,
  isolation,
  oneLink,
  linkReset,
  delay,
  badWeather,
];
