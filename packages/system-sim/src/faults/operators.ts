/** Actions of operators during a run. */
import { TriremeError } from '@trireme/domain';
import { RaftError, type MembershipChange } from '@trireme/raft';
import { instantFault, type ActiveFault } from '@trireme/raft-sim';
import type { SystemSimulation } from '../system-simulation.js';
import type { FaultKind } from './fault.js';

/** An operator adds a catalog to the set, or removes it. */
const catalogSetChange: FaultKind = {
  name: 'catalog set change',
  weight: 4,
  begin(simulation, random): ActiveFault | null {
    const leader = simulation.leaders.find(({ acceptsOrders }) => acceptsOrders);
    if (leader === undefined) return null;
    const { name } = random.pick(simulation.catalogs);
    leader.runInNextTurn(() => {
      const session = leader.core?.session ?? null;
      if (session === null) return;
      const isIn = session.catalogIds.includes(name);
      if (isIn && session.catalogIds.length === 1) return;
      session.changeCatalogs(isIn ? { remove: name } : { add: name }).then(
        () => simulation.count('catalog set: changed'),
        (error: unknown) => {
          if (!(error instanceof TriremeError)) throw error;
          simulation.count(`catalog set: ${error.status}`);
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
  begin(simulation): ActiveFault | null {
    const [spare] = simulation.replicas.filter(({ isUp, disk }) => !isUp && disk.lastIndex === 0);
    const { voters } = simulation.checks.quorums.latest;
    // One at a time: a wiped replica must have left the group before the next one is wiped.
    if ([...simulation.wiped].some(({ name }) => voters.includes(name))) return null;
    const wiped = simulation.replicas.find(
      (replica) => voters.includes(replica.name) && replica.role !== 'leader',
    );
    if (spare === undefined || wiped === undefined || !simulation.canLose([wiped])) return null;
    simulation.wiped.add(wiped);
    wiped.keepDown('powerLoss');
    spare.start();
    replace(simulation, wiped.name, spare.name);
    return instantFault(`replica replacement: ${wiped.name} by ${spare.name}`);
  },
};

const RETRY = 100_000;

/** Requests the change at the current leader until it is committed. */
function replace(simulation: SystemSimulation, removed: string, added: string): void {
  const retryLater = (): void => simulation.scheduler.after(RETRY, () => replace(simulation, removed, added));
  const { voters } = simulation.checks.quorums.latest;
  if (voters.includes(added) && !voters.includes(removed)) {
    simulation.count('replica replaced');
    return;
  }
  const leader = simulation.leaders.find(({ acceptsOrders }) => acceptsOrders);
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
