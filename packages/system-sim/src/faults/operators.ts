/** What operators do meanwhile. */
import { TriremeError } from '@trireme/domain';
import { RaftError, type MembershipChange } from '@trireme/raft';
import { instant, type Running } from '@trireme/raft/sim';
import type { World } from '../world.js';
import type { FaultKind } from './fault.js';

/** A catalog is added to the set, or taken from it, by whoever leads. */
const catalogSet: FaultKind = {
  name: 'catalog set changed',
  weight: 4,
  begin(world, random): Running | null {
    const leader = world.leaders.find(({ isOpen }) => isOpen);
    if (leader === undefined) return null;
    const { name } = random.pick(world.catalogs);
    leader.deliver(() => {
      const session = leader.core?.session ?? null;
      if (session === null) return;
      const isIn = session.catalogIds.includes(name);
      if (isIn && session.catalogIds.length === 1) return;
      session.changeCatalogs(isIn ? { remove: name } : { add: name }).then(
        () => world.count('catalog set: changed'),
        (error: unknown) => {
          if (!(error instanceof TriremeError)) throw error;
          world.count(`catalog set: ${error.status}`);
        },
      );
    });
    return instant(`catalog set changed: ${name}`);
  },
};

/** A replica loses its disks for good, and a new member takes its place. */
const replaced: FaultKind = {
  name: 'replica replaced',
  weight: 3,
  begin(world): Running | null {
    const [spare] = world.replicas.filter(({ isUp, disk }) => !isUp && disk.lastIndex === 0);
    const { voters } = world.checks.quorums.latest;
    // One after another: whoever is gone is to be out of the group first.
    if ([...world.wiped].some(({ name }) => voters.includes(name))) return null;
    const wiped = world.replicas.find(
      (replica) => voters.includes(replica.name) && replica.role !== 'leader',
    );
    if (spare === undefined || wiped === undefined || !world.canLose([wiped])) return null;
    world.wiped.add(wiped);
    wiped.takeDown('powerLoss');
    spare.start();
    replace(world, wiped.name, spare.name);
    return instant(`replica replaced: ${wiped.name} by ${spare.name}`);
  },
};

const RETRY = 100_000;

/** Asks whoever leads until it is done. */
function replace(world: World, gone: string, come: string): void {
  const again = (): void => world.scheduler.after(RETRY, () => replace(world, gone, come));
  const { voters } = world.checks.quorums.latest;
  if (voters.includes(come) && !voters.includes(gone)) {
    world.count('replica replaced');
    return;
  }
  const leader = world.leaders.find(({ isOpen }) => isOpen);
  if (leader === undefined) {
    again();
    return;
  }
  again();
  leader.deliver(() => {
    const { node } = leader;
    if (node === null) return;
    const { learners } = node.status().membership;
    const address = `http://replica-${come}:8081 http://replica-${come}:80`;
    const change: MembershipChange = learners.includes(come)
      ? [
          { type: 'addVoter', id: come, address },
          { type: 'remove', id: gone },
        ]
      : [{ type: 'addLearner', id: come, address }];
    node.changeMembership(change).catch((error: unknown) => {
      if (!(error instanceof RaftError)) throw error;
    });
  });
}

export const OPERATORS: readonly FaultKind[] = [catalogSet, replaced];
