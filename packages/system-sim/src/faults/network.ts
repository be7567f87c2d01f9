/** Network faults. */
import { MS, combineUndos, instantFault, type ActiveFault } from '@trireme/raft-sim';
import type { SimulatedProcess } from '../hosts/host.js';
import { cut, directions, pickVictim, type FaultKind } from './fault.js';

function namesOf(hosts: Iterable<SimulatedProcess>): string {
  return [...hosts].map(({ name }) => name).join(' ');
}

const partition: FaultKind = {
  name: 'partition',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const share = random.pick([0.2, 0.5]);
    const side = new Set(simulation.hosts.filter(() => random.chance(share)));
    const isOneWay = random.chance(0.3);
    const stop = cut(simulation, (from, to) =>
      isOneWay ? side.has(from) && !side.has(to) : side.has(from) !== side.has(to),
    );
    return { text: `partition${isOneWay ? ', one way' : ''}: ${namesOf(side)} from the others`, stop };
  },
};

/**
 * A leader is partitioned together with front-ends and often a catalog. Leases and confirmed reads must prevent
 * stale answers on its side. If the other replicas see their connections to it break, they elect another leader
 * while it still believes it leads.
 */
const partitionedLeader: FaultKind = {
  name: 'partitioned leader',
  weight: 4,
  begin(simulation, random): ActiveFault | null {
    const { leaders } = simulation;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    const side = new Set<SimulatedProcess>([leader]);
    if (random.chance(0.7)) side.add(random.pick(simulation.catalogs));
    for (const frontend of simulation.frontends) if (random.chance(0.5)) side.add(frontend);
    const isHungUp = random.chance(0.5);
    if (isHungUp) simulation.network.breakConnectionsOf(leader.name);
    const stop = cut(simulation, (from, to) => side.has(from) !== side.has(to));
    const links = isHungUp ? ', connections broken' : '';
    return { text: `partitioned leader: ${namesOf(side)} from the others${links}`, stop };
  },
};

/**
 * A leader crashes while a catalog is partitioned, which continues under the authority it has while another
 * leader starts. If all catalogs are partitioned, front-ends stay with them, and one that comes back has to
 * catch up by a snapshot while front-ends still have old values in their caches.
 */
const hiddenCrash: FaultKind = {
  name: 'crash hidden from catalogs',
  weight: 6,
  begin(simulation, random): ActiveFault | null {
    const { leaders } = simulation;
    if (leaders.length === 0) return null;
    const leader = random.pick(leaders);
    const side = new Set<SimulatedProcess>(
      random.chance(0.3) ? simulation.catalogs : [random.pick(simulation.catalogs)],
    );
    const stop = cut(
      simulation,
      (from, to) => (side.has(from) && to.kind === 'replica') || (side.has(to) && from.kind === 'replica'),
    );
    simulation.scheduler.after(random.below(40 * MS), () => {
      simulation.scheduler.after(random.exponential(200 * MS), leader.keepDown('kill'));
    });
    return { text: `crash hidden from catalogs: ${leader.name}, ${namesOf(side)}`, stop };
  },
};

const isolation: FaultKind = {
  name: 'isolation',
  weight: 4,
  begin(simulation, random): ActiveFault {
    const victim = pickVictim(simulation, random);
    const way = random.pick(['both ways', 'cannot send', 'cannot receive']);
    const stop = cut(
      simulation,
      (from, to) => (from === victim && way !== 'cannot receive') || (to === victim && way !== 'cannot send'),
    );
    return { text: `isolation: ${victim.name} ${way}`, stop };
  },
};

/** The link between two processes is cut, one way or both. */
const oneLink: FaultKind = {
  name: 'link cut',
  weight: 5,
  begin(simulation, random): ActiveFault {
    const a = pickVictim(simulation, random);
    const b = random.pick(simulation.hosts.filter((host) => host !== a));
    const isOneWay = random.chance(0.4);
    const stop = cut(
      simulation,
      (from, to) => (from === a && to === b) || (!isOneWay && from === b && to === a),
    );
    return { text: `link cut: ${a.name} ${isOneWay ? '->' : '<->'} ${b.name}`, stop };
  },
};

/** Connections end. With a long mean time, one side often still trusts a link that the other side knows is closed. */
const linkReset: FaultKind = {
  name: 'link reset',
  weight: 6,
  begin(simulation, random): ActiveFault {
    const a = pickVictim(simulation, random);
    const noticeMean = random.pick([1, 100]) * MS;
    for (const b of simulation.hosts)
      if (b !== a && random.chance(0.4)) {
        simulation.streams.reset(a, b, noticeMean);
        simulation.streams.reset(b, a, noticeMean);
      }
    return instantFault(`link reset: ${a.name}, noticed after ${noticeMean / MS} ms`);
  },
};

const delay: FaultKind = {
  name: 'slow links',
  weight: 5,
  begin(simulation, random): ActiveFault {
    const share = random.pick([0.1, 0.4, 1]);
    const hit = directions(simulation).filter(() => random.chance(share));
    const mean = random.pick([2, 10, 60]) * MS;
    return {
      text: `slow links: ${hit.length}, ${mean / MS} ms`,
      stop: combineUndos(hit.map(([from, to]) => simulation.impair(from, to, { delay: mean }))),
    };
  },
};

/** Affects only Raft messages, because the other links are ordered streams. */
const unreliableLinks: FaultKind = {
  name: 'unreliable Raft links',
  weight: 3,
  begin(simulation, random): ActiveFault {
    const fault = random.pick([
      { loss: 0.05 + 0.3 * random.next() },
      { duplication: 0.5 * random.next() },
      { lateness: 0.02 + 0.2 * random.next(), duplication: 0.2 },
      { loss: 0.1, duplication: 0.1, delay: 20 * MS, lateness: 0.05 },
    ]);
    const ids = simulation.replicas.map(({ name }) => name);
    const undos = ids.flatMap((from) =>
      ids.filter((to) => to !== from).map((to) => simulation.network.impair(from, to, fault)),
    );
    return { text: `unreliable Raft links: ${JSON.stringify(fault)}`, stop: combineUndos(undos) };
  },
};

export const NETWORK_FAULTS: readonly FaultKind[] = [
  partition,
  partitionedLeader,
  hiddenCrash,
  isolation,
  oneLink,
  linkReset,
  delay,
  unreliableLinks,
];
