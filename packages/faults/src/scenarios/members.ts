/** Membership changes under load, during which leaders are killed. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupState, GroupMember } from '@trireme/cluster';
import type { ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

const numberOf = (name: string): string => name.replace('replica-', '');

/** A stage of a membership change. */
interface ChangeStage {
  readonly what: string;
  readonly isReached: (group: GroupState, joiner: string) => boolean;
}

const STARTED: ChangeStage = { what: 'the change has started', isReached: () => true };

const LEARNING: ChangeStage = {
  what: 'the new replica is a learner',
  isReached: ({ members }, joiner) => members.some((member) => isNew(member, joiner)),
};

/** Also reached once joint consensus is over, because it lasts only two rounds. */
const JOINT: ChangeStage = {
  what: 'the group is in joint consensus',
  isReached: ({ members, joint }, joiner) => joint || isVoter(members, joiner),
};

const VOTING: ChangeStage = {
  what: 'the new replica is a voter',
  isReached: ({ members }, joiner) => isVoter(members, joiner),
};

const isVoter = (members: GroupState['members'], joiner: string): boolean =>
  members.some((member) => isNew(member, joiner) && member.role === 'voter');

/** Founding members have the name of their replica as id; members that joined or rejoined have another id. */
const isNew = ({ id, name }: GroupMember, joiner: string): boolean => name === joiner && id !== name;

/** Changes the group, and kills the leader at a stage of the change; then restarts it. */
async function changeAndKill(
  run: ScenarioRun,
  args: readonly string[],
  { what, isReached }: ChangeStage,
  joiner = '',
): Promise<void> {
  const changed = run.changeMembers(...args);
  const reached = run.waitUntil(what, async () => {
    const group = await run.group();
    return group !== null && isReached(group, joiner);
  });
  // A change that completes or fails early may never reach the stage.
  await Promise.race([reached, changed]);
  run.note(what);
  const leader = await run.waitForLeader();
  await run.kill(leader);
  await run.waitForOtherLeader(leader);
  await changed;
  await run.waitForOrders();
  await run.start(leader);
  await run.waitForOrders();
}

/** Kills a replica and removes its data folder. */
async function wipe(run: ScenarioRun, name: string): Promise<void> {
  await run.kill(name);
  rmSync(join(run.dataDir, name), { recursive: true });
  run.note(`remove the data folder of ${name}`);
}

export const MEMBERS: readonly Scenario[] = [
  {
    name: 'a replica is replaced while the leader is killed, at each stage of the change',
    joiningReplicas: 1,
    script: async (run) => {
      let joiner = 'replica-4';
      for (const stage of [STARTED, LEARNING, JOINT, VOTING]) {
        const [leaver = ''] = await run.waitForFollowers();
        const args = ['replace', numberOf(leaver), numberOf(joiner)];
        await changeAndKill(run, args, stage, numberOf(joiner));
        joiner = leaver;
      }
    },
  },
  {
    name: 'three replicas become five and three again, and the leader is killed during each change',
    joiningReplicas: 2,
    script: async (run) => {
      await changeAndKill(run, ['add', '4'], LEARNING, '4');
      await changeAndKill(run, ['add', '5'], VOTING, '5');
      for (const stage of [STARTED, STARTED]) {
        const [leaver = ''] = await run.waitForFollowers();
        await changeAndKill(run, ['remove', numberOf(leaver)], stage);
      }
    },
  },
  {
    name: 'the leader is replaced under load: it transfers leadership and leaves the group',
    joiningReplicas: 1,
    script: async (run) => {
      const leader = await run.waitForLeader();
      await run.changeMembers('replace', numberOf(leader), '4');
      await run.waitForOrders();
    },
  },
  {
    name: 'a follower, then the leader, is wiped and rejoins under load',
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await wipe(run, follower);
      await run.waitForOrders();
      await run.changeMembers('rejoin', numberOf(follower));
      await run.waitForOrders();
      const leader = await run.waitForLeader();
      await wipe(run, leader);
      await run.waitForOtherLeader(leader);
      await run.changeMembers('rejoin', numberOf(leader));
      await run.waitForOrders();
    },
  },
  {
    name: 'one of five replicas is wiped and rejoins while the leader is killed',
    cluster: { replicas: 5 },
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await wipe(run, follower);
      await changeAndKill(run, ['rejoin', numberOf(follower)], LEARNING, numberOf(follower));
    },
  },
];
