/** Actions of operators during a run. */
import { TriremeError } from '@trireme/domain';
import { RaftError, type MembershipChange } from '@trireme/raft';
import { instantFault, type ActiveFault } from '@trireme/raft/sim';
import type { SystemSimulation } from '../system-simulation.js';
import type { FaultKind } from './fault.js';

/** An operator adds a catalog to the set, or removes it. */
const catalogSetChange: FaultKind = {
  name: 'catalog set change',
  weight: 4,
  begin(world, random): ActiveFault | null {
    const leader = world.leaders.find(({ acceptsOrders }) => acceptsOrders);
    if (leader === undefined) return null;
    const { name } = random.pick(world.catalogs);
    leader.runInNextTurn(() => {
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
    return instantFault(`catalog set change: ${name}`);
  },
};

/** A replica loses its disks, and an operator replaces it by a new member. */
const replicaReplacement: FaultKind = {
  name: 'replica replacement',
  weight: 3,
  begin(world): ActiveFault | null {
    const [spare] = world.replicas.filter(({ isUp, disk }) => !isUp && disk.lastIndex === 0);
    const { voters } = world.checks.quorums.latest;
    // One at a time: a wiped replica must have left the group before the next one is wiped.
    if ([...world.wiped].some(({ name }) => voters.includes(name))) return null;
    const wiped = world.replicas.find(
      (replica) => voters.includes(replica.name) && replica.role !== 'leader',
    );
    if (spare === undefined || wiped === undefined || !world.canLose([wiped])) return null;
    world.wiped.add(wiped);
    wiped.keepDown('powerLoss');
    spare.start();
    replace(world, wiped.name, spare.name);
    return instantFault(`replica replacement: ${wiped.name} by ${spare.name}`);
  },
};

const RETRY = 100_000;

/** Requests the change at the current leader until it is committed. */
function replace(world: SystemSimulation, removed: string, added: string): void {
  const retryLater = (): void => world.scheduler.after(RETRY, () => replace(world, removed, added));
  const { voters } = world.checks.quorums.latest;
  if (voters.includes(added) && !voters.includes(removed)) {
    world.count('replica replaced');
    return;
  }
  const leader = world.leaders.find(({ acceptsOrders }) => acceptsOrders);
  if (leader === undefined) {
    retryLater();
    return;
  }
  retryLater();
  leader.runInNextTurn(() => {
    const { node } = leader;
    if (node === null) return;
    const { learners } = node.status().membership;
    const address = `http://replica-${added}:8081 http://replica-${added}:80`;
    const change: MembershipChange = learners.includes(added)
      ? [
          { type: 'addVoter', id: added, address },
          { type: 'remove', id: removed },
        ]
      : [{ type: 'addLearner', id: added, address }];
    node.changeMembership(change).catch((error: unknown) => {
      if (!(error instanceof RaftError)) throw error;
    });
  });
}

export const OPERATOR_ACTIONS: readonly FaultKind[] = [catalogSetChange, replicaReplacement];
