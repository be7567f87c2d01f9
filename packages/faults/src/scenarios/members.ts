/** The group changes while orders flow, and leaders die meanwhile. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Group, GroupMember } from '@trireme/cluster';
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

const numberOf = (name: string): string => name.replace('replica-', '');

/** A moment of a change in which a replica takes its place. */
interface Moment {
  readonly what: string;
  readonly isReached: (group: Group, joiner: string) => boolean;
}

const BEGUN: Moment = { what: 'the change begins', isReached: () => true };

const LEARNING: Moment = {
  what: 'the new replica learns',
  isReached: ({ members }, joiner) => members.some((member) => isNew(member, joiner)),
};

/** Or is over already: it lasts no longer than two rounds. */
const JOINT: Moment = {
  what: 'both groups decide together',
  isReached: ({ members, joint }, joiner) => joint || isVoter(members, joiner),
};

const VOTING: Moment = {
  what: 'the new replica votes',
  isReached: ({ members }, joiner) => isVoter(members, joiner),
};

const isVoter = (members: Group['members'], joiner: string): boolean =>
  members.some((member) => isNew(member, joiner) && member.role === 'voter');

/** Founders have the names of their replicas as ids; who is let in has not, nor who comes back. */
const isNew = ({ id, name }: GroupMember, joiner: string): boolean => name === joiner && id !== name;

/** Changes the group, and kills whoever leads at a moment of the change; started again, it goes on with the others. */
async function changeAndKill(
  run: Run,
  args: readonly string[],
  { what, isReached }: Moment,
  joiner = '',
): Promise<void> {
  const changed = run.members(...args);
  const reached = run.until(what, async () => {
    const group = await run.group();
    return group !== null && isReached(group, joiner);
  });
  // What fails at once has no such moment.
  await Promise.race([reached, changed]);
  run.note(what);
  const leader = await run.leader();
  await run.kill(leader);
  await run.newLeader(leader);
  await changed;
  await run.progress();
  await run.start(leader);
  await run.progress();
}

/** Kills a replica and removes all that it has written. */
async function wipe(run: Run, name: string): Promise<void> {
  await run.kill(name);
  rmSync(join(run.dataDir, name), { recursive: true });
  run.note(`the data of ${name} is gone`);
}

export const MEMBERS: readonly Scenario[] = [
  {
    name: 'a replica is replaced while the leader is killed, at each moment of the change',
    joining: 1,
    script: async (run) => {
      let joiner = 'replica-4';
      for (const moment of [BEGUN, LEARNING, JOINT, VOTING]) {
        const [leaver = ''] = await run.followers();
        const args = ['replace', numberOf(leaver), numberOf(joiner)];
        await changeAndKill(run, args, moment, numberOf(joiner));
        joiner = leaver;
      }
    },
  },
  {
    name: 'three replicas become five and three again while the leader is killed at each change',
    joining: 2,
    script: async (run) => {
      await changeAndKill(run, ['add', '4'], LEARNING, '4');
      await changeAndKill(run, ['add', '5'], VOTING, '5');
      for (const moment of [BEGUN, BEGUN]) {
        const [leaver = ''] = await run.followers();
        await changeAndKill(run, ['remove', numberOf(leaver)], moment);
      }
    },
  },
  {
    name: 'the leader itself is replaced under load: it transfers leadership and goes',
    joining: 1,
    script: async (run) => {
      const leader = await run.leader();
      await run.members('replace', numberOf(leader), '4');
      await run.progress();
    },
  },
  {
    name: 'a replica is wiped and rejoins under load, then the leader is',
    script: async (run) => {
      const [follower = ''] = await run.followers();
      await wipe(run, follower);
      await run.progress();
      await run.members('rejoin', numberOf(follower));
      await run.progress();
      const leader = await run.leader();
      await wipe(run, leader);
      await run.newLeader(leader);
      await run.members('rejoin', numberOf(leader));
      await run.progress();
    },
  },
  {
    name: 'of five replicas one is wiped and rejoins while the leader is killed',
    cluster: { replicas: 5 },
    script: async (run) => {
      const [follower = ''] = await run.followers();
      await wipe(run, follower);
      await changeAndKill(run, ['rejoin', numberOf(follower)], LEARNING, numberOf(follower));
    },
  },
];
