/** Network faults. */
import type { LinkFault } from '../cluster/network.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';
import type { ClusterSimulation } from '../cluster-simulation.js';
import { leadersOf, pickVictim, type FaultKind } from './fault.js';
import { combineUndos, type ActiveFault } from './nemesis.js';

const CUT: LinkFault = { cut: true };

/** Every direction of every link. */
function directions({ ids }: ClusterSimulation): (readonly [string, string])[] {
  return ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => [from, to] as const));
}

/** Impairs the directions for which `isHit` is true. */
function impair(
  simulation: ClusterSimulation,
  fault: LinkFault,
  isHit: (from: string, to: string) => boolean,
): () => void {
  const hit = directions(simulation).filter(([from, to]) => isHit(from, to));
  return combineUndos(hit.map(([from, to]) => simulation.network.impair(from, to, fault)));
}

/** Cuts all links of a member. */
export function isolate(simulation: ClusterSimulation, id: string): () => void {
  return impair(simulation, CUT, (from, to) => from === id || to === id);
}

/** Cuts every link between a set of members and the others. */
export function partition(simulation: ClusterSimulation, group: ReadonlySet<string>): () => void {
  return impair(simulation, CUT, (from, to) => group.has(from) !== group.has(to));
}

/** Cuts all links to a member; its own messages still arrive. */
export function cutIncoming(simulation: ClusterSimulation, id: string): () => void {
  return impair(simulation, CUT, (_from, to) => to === id);
}

const partitionFault: FaultKind = {
  name: 'partition',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const order = random.shuffled(simulation.ids);
    const group = new Set(order.slice(0, random.between(1, order.length - 1)));
    const stop = partition(simulation, group);
    return { text: `partition: ${[...group].sort().join(' ')} from the others`, stop };
  },
};

const isolation: FaultKind = {
  name: 'isolation',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const { id } = pickVictim(simulation, random);
    const way = random.pick(['both ways', 'cannot send', 'cannot receive']);
    const stop = impair(
      simulation,
      CUT,
      (from, to) => (from === id && way !== 'cannot receive') || (to === id && way !== 'cannot send'),
    );
    return { text: `isolation: ${id} ${way}`, stop };
  },
};

/**
 * A leader loses a follower, which will campaign. A little later the leader receives no messages any more,
 * while the others still receive its messages. If they elect another leader then, the lease of the first one
 * must have expired.
 */
const gradualIsolation: FaultKind = {
  name: 'gradual isolation',
  weight: 3,
  begin(simulation, random): ActiveFault | null {
    const { scheduler, settings } = simulation;
    const leaders = leadersOf(simulation);
    if (leaders.length === 0) return null;
    const { id } = random.pick(leaders);
    const lost = random.pick(simulation.ids.filter((other) => other !== id));
    const timeout = settings.electionTicks * settings.tickMs * MS;
    const undos = [
      impair(simulation, CUT, (from, to) => [from, to].includes(id) && [from, to].includes(lost)),
    ];
    let isOver = false;
    scheduler.after(random.between(timeout / 2, 2 * timeout), () => {
      if (!isOver) undos.push(cutIncoming(simulation, id));
    });
    const stop = (): void => {
      isOver = true;
      combineUndos(undos)();
    };
    return { text: `gradual isolation: ${id} loses ${lost}, then receives nothing`, stop };
  },
};

const randomCuts: FaultKind = {
  name: 'random cuts',
  weight: 3,
  begin(simulation, random): ActiveFault {
    const isOneWay = random.chance(0.5);
    const cut = new Set<string>();
    for (const [from, to] of directions(simulation)) {
      if (!random.chance(0.3)) continue;
      cut.add(`${from}>${to}`);
      if (!isOneWay) cut.add(`${to}>${from}`);
    }
    const stop = impair(simulation, CUT, (from, to) => cut.has(`${from}>${to}`));
    return { text: `random cuts: ${[...cut].join(' ')}`, stop };
  },
};

function drawLinkFault(random: Random): LinkFault {
  return random.pick([
    { loss: 0.05 + 0.4 * random.next() },
    { duplication: 0.5 * random.next() },
    { delay: random.between(5, 300) * MS },
    { lateness: 0.02 + 0.3 * random.next(), duplication: 0.2 },
    { echo: 0.05 + 0.3 * random.next() },
    { loss: 0.1, duplication: 0.1, delay: 20 * MS, lateness: 0.05 },
  ]);
}

const unreliableLinks: FaultKind = {
  name: 'unreliable links',
  weight: 6,
  begin(simulation, random): ActiveFault {
    const fault = drawLinkFault(random);
    const id = random.chance(0.5) ? null : pickVictim(simulation, random).id;
    const stop = impair(simulation, fault, (from, to) => id === null || from === id || to === id);
    return { text: `unreliable links: ${id === null ? 'all' : `of ${id}`}, ${JSON.stringify(fault)}`, stop };
  },
};

const connectionResets: FaultKind = {
  name: 'connection resets',
  weight: 2,
  begin(simulation, random): ActiveFault {
    const { id } = pickVictim(simulation, random);
    const others = simulation.ids.filter((other) => other !== id && random.chance(0.7));
    for (const other of others) simulation.network.reset(id, other);
    return { text: `connection resets: ${id} with ${others.join(' ')}`, stop: () => undefined };
  },
};

/** Number of stale messages after an election, to each follower and to the leader, and their mean delay. */
const STALE_MESSAGES = 3;
const STALE_MESSAGES_LEADER = 12;
const STALE_DELAY_MEAN: Micros = 50 * MS;
/** Number of recent messages of each type to pick from. The most recent ones conflict most with the new leader. */
const RECENT_MESSAGES = 6;

/** Delivers messages of earlier terms again while a new leader takes over, when they would do most harm. */
const staleMessages: FaultKind = {
  name: 'stale messages',
  weight: 3,
  begin(simulation, random): ActiveFault {
    const { network, processes, scheduler } = simulation;
    const stop = simulation.onElected((elected) => {
      const term = elected.instance?.term ?? 0;
      for (const { id } of processes) {
        const stale = network
          .recentMessagesTo(id)
          .map((past) => past.filter((message) => message.term < term).slice(-RECENT_MESSAGES))
          .filter(({ length }) => length > 0);
        if (stale.length === 0) continue;
        const messagesMax = id === elected.id ? STALE_MESSAGES_LEADER : STALE_MESSAGES;
        for (let count = 0; count < messagesMax; count += 1) {
          const message = random.pick(random.pick(stale));
          scheduler.after(random.exponential(STALE_DELAY_MEAN), () => network.redeliver(message));
        }
      }
    });
    return { text: 'stale messages', stop };
  },
};

export const NETWORK_FAULTS: readonly FaultKind[] = [
  partitionFault,
  isolation,
  gradualIsolation,
  randomCuts,
  unreliableLinks,
  connectionResets,
  staleMessages,
];
