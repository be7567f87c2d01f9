/**
 * Changes the group step by step until it reaches a goal, and reports each step. Each step depends only on the present
 * group, so an interrupted change continues when it is started again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  nextMembershipStep,
  type MembershipGoal,
  type GroupState,
  type MembershipStep,
} from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { isChangeRefusal, refusalError, type GroupClient } from './group-client.js';

const POLL_MS = 100;
/** Minimum time between two progress lines while waiting, in milliseconds. */
const PROGRESS_MS = 2_000;
/** A change is retried this long if the leader refuses it, in milliseconds: it may not know a new process yet. */
const REFUSED_MS_MAX = 2_000;

export interface GroupChangeOptions {
  readonly client: GroupClient;
  /** Receives each step as a line. */
  readonly onProgress: (line: string) => void;
  /** Time limit in milliseconds; running the command again continues the change. */
  readonly timeoutMs: number;
  /** Whether to make a change that leaves too few reachable voters, or adds a voter that lacks log entries. */
  readonly force: boolean;
}

/**
 * @returns the group, once it has reached the goal.
 * @throws CommandError `refused`, `unavailable`, or `incomplete` after `timeoutMs`.
 */
export async function changeGroup(goal: MembershipGoal, options: GroupChangeOptions): Promise<GroupState> {
  const { client, timeoutMs, force } = options;
  const until = performance.now() + timeoutMs;
  const tell = throttled(options.onProgress);
  for (let refusedAt: number | null = null; ;) {
    const group = await client.group();
    const step = nextMembershipStep(group, goal);
    if (step.kind === 'done') return group;
    if (step.kind === 'impossible') throw new CommandError(COMMAND_EXIT.refused, step.why);
    if (performance.now() > until) {
      const why = step.kind === 'wait' ? step.why : 'the group is still changing';
      throw new CommandError(
        COMMAND_EXIT.incomplete,
        `not done after ${timeoutMs / 1000} s (${why}): run the same command again`,
      );
    }
    if (step.kind === 'wait') {
      tell(`waiting: ${step.why}`);
      await delay(POLL_MS);
      continue;
    }
    if (refusedAt === null) options.onProgress(describeStep(step));
    const refusal =
      step.kind === 'transfer'
        ? await client.transferLeadership(group, step.to)
        : await client.changeMembers(group, step.parts, force);
    refusedAt = isChangeRefusal(refusal) ? (refusedAt ?? performance.now()) : null;
    if (refusal === null) continue;
    if (refusedAt !== null && performance.now() - refusedAt >= REFUSED_MS_MAX)
      throw refusalError(group.self, refusal);
    tell(`retrying: ${refusal.message}`);
    await delay(POLL_MS);
  }
}

function describeStep(step: Extract<MembershipStep, { kind: 'transfer' | 'change' }>): string {
  if (step.kind === 'transfer') return `transferring leadership to ${step.to}`;
  const words = { addLearner: 'adding learner', addVoter: 'promoting', remove: 'removing' };
  return step.parts.map(({ type, id }) => `${words[type]} ${id}`).join(', ');
}

/** Drops a line that follows the last one too soon. */
function throttled(tell: (line: string) => void): (line: string) => void {
  let lastAt = -Infinity;
  return (line) => {
    if (performance.now() - lastAt < PROGRESS_MS) return;
    lastAt = performance.now();
    tell(line);
  };
}
