/** What goes wrong between processes. */
import type { LinkFault } from '../cluster/network.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';
import type { World } from '../world.js';
import { leadersOf, pickVictim, type FaultKind } from './fault.js';
import { all, type Running } from './nemesis.js';

const CUT: LinkFault = { cut: true };

/** Every direction of every link. */
function directions({ ids }: World): (readonly [string, string])[] {
  return ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Impairs the directions that `isHit` names. */
function impair(world: World, fault: LinkFault, isHit: (from: string, to: string) => boolean): () => void {
  const hit = directions(world).filter(([from, to]) => isHit(from, to));
  return all(hit.map(([from, to]) => world.network.impair(from, to, fault)));
}

/** Cuts a member off, both ways. */
export function isolate(world: World, id: string): () => void {
  return impair(world, CUT, (from, to) => from === id || to === id);
}

/** Cuts every link between those who are in a group and those who are not. */
export function separate(world: World, group: ReadonlySet<string>): () => void {
  return impair(world, CUT, (from, to) => group.has(from) !== group.has(to));
}

/** Cuts off what others send to a member. */
export function deafen(world: World, id: string): () => void {
  return impair(world, CUT, (_from, to) => to === id);
}

const partition: FaultKind = {
  name: 'partition',
  weight: 4,
  begin(world, random): Running {
    const order = random.shuffled(world.ids);
    const group = new Set(order.slice(0, random.between(1, order.length - 1)));
    const stop = separate(world, group);
    return { text: `partition: ${[...group].sort().join(' ')} from the others`, stop };
  },
};

const isolation: FaultKind = {
  name: 'isolation',
  weight: 4,
  begin(world, random): Running {
    const { id } = pickVictim(world, random);
    const way = random.pick(['both ways', 'cannot send', 'cannot receive']);
    const stop = impair(
      world,
      CUT,
      (from, to) => (from === id && way !== 'cannot receive') || (to === id && way !== 'cannot send'),
    );
    return { text: `isolation: ${id} ${way}`, stop };
  },
};

/**
 * A leader loses a follower, which will campaign, and a little later hears nobody any more, while the others still hear
 * it. Whether they elect another one then is what its lease stands on.
 */
const creepingCut: FaultKind = {
  name: 'creeping cut',
  weight: 3,
  begin(world, random): Running | null {
    const { scheduler, settings } = world;
    const leaders = leadersOf(world);
    if (leaders.length === 0) return null;
    const { id } = random.pick(leaders);
    const lost = random.pick(world.ids.filter((other) => other !== id));
    const timeout = settings.electionTicks * settings.tickMs * MS;
    const undos = [impair(world, CUT, (from, to) => [from, to].includes(id) && [from, to].includes(lost))];
    let isOver = false;
    scheduler.after(random.between(timeout / 2, 2 * timeout), () => {
      if (!isOver) undos.push(deafen(world, id));
    });
    const stop = (): void => {
      isOver = true;
      all(undos)();
    };
    return { text: `creeping cut: ${id} from ${lost}, then deaf`, stop };
  },
};

const someCuts: FaultKind = {
  name: 'some cuts',
  weight: 3,
  begin(world, random): Running {
    const isOneWay = random.chance(0.5);
    const cut = new Set<string>();
    for (const [from, to] of directions(world)) {
      if (!random.chance(0.3)) continue;
      cut.add(`${from}>${to}`);
      if (!isOneWay) cut.add(`${to}>${from}`);
    }
    const stop = impair(world, CUT, (from, to) => cut.has(`${from}>${to}`));
    return { text: `cuts: ${[...cut].join(' ')}`, stop };
  },
};

function drawWeather(random: Random): LinkFault {
  return random.pick([
    { loss: 0.05 + 0.4 * random.next() },
    { duplication: 0.5 * random.next() },
    { delay: random.between(5, 300) * MS },
    { straggling: 0.02 + 0.3 * random.next(), duplication: 0.2 },
    { echo: 0.05 + 0.3 * random.next() },
    { loss: 0.1, duplication: 0.1, delay: 20 * MS, straggling: 0.05 },
  ]);
}

const badWeather: FaultKind = {
  name: 'bad weather',
  weight: 6,
  begin(world, random): Running {
    const weather = drawWeather(random);
    const id = random.chance(0.5) ? null : pickVictim(world, random).id;
    const stop = impair(world, weather, (from, to) => id === null || from === id || to === id);
    return { text: `bad links ${id === null ? 'everywhere' : `of ${id}`}: ${JSON.stringify(weather)}`, stop };
  },
};

const resets: FaultKind = {
  name: 'resets',
  weight: 2,
  begin(world, random): Running {
    const { id } = pickVictim(world, random);
    const others = world.ids.filter((other) => other !== id && random.chance(0.7));
    for (const other of others) world.network.reset(id, other);
    return { text: `resets: ${id} with ${others.join(' ')}`, stop: () => undefined };
  },
};

/** Messages that come once more after an election, to each member and to its leader, and how late on average. */
const REVENANTS = 3;
const REVENANTS_LEADER = 12;
const REVENANT_DELAY_MEAN: Micros = 50 * MS;
/** Of each type one of the last so many comes: those that tell most of what was given up since. */
const LAST_WORDS = 6;

/** What was said in earlier terms comes once more while a new leader takes over: that is when it would do most harm. */
const revenants: FaultKind = {
  name: 'words of old terms',
  weight: 3,
  begin(world, random): Running {
    const { network, processes, scheduler } = world;
    const stop = world.onElected((elected) => {
      const term = elected.life?.term ?? 0;
      for (const { id } of processes) {
        const stale = network
          .pastOf(id)
          .map((past) => past.filter((message) => message.term < term).slice(-LAST_WORDS))
          .filter(({ length }) => length > 0);
        if (stale.length === 0) continue;
        const revenantsMax = id === elected.id ? REVENANTS_LEADER : REVENANTS;
        for (let count = 0; count < revenantsMax; count += 1) {
          const message = random.pick(random.pick(stale));
          scheduler.after(random.exponential(REVENANT_DELAY_MEAN), () => network.again(message));
        }
      }
    });
    return { text: 'words of old terms', stop };
  },
};

export const NETWORK_FAULTS: readonly FaultKind[] = [
  ...[partition, isolation, creepingCut, someCuts],
  ...[badWeather, resets, revenants],
];
