/** Brings the group to what its operator wants, step by step, telling each; asked again it goes on where the group stands. */
import { setTimeout as delay } from 'node:timers/promises';
import { nextStep, type Goal, type Group, type Step } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { isChangeRefusal, refusedBy, type GroupClient } from './group-client.js';

const POLL_MS = 100;
/** A line at least this often while there is nothing to do but to wait, in milliseconds. */
const TELL_MS = 2_000;
/** A change that is refused for this long is given up, in milliseconds: whoever has just started is not heard of yet. */
const REFUSED_MS_MAX = 2_000;

export interface RegroupOptions {
  readonly client: GroupClient;
  /** Gets each step as a line. */
  readonly tell: (line: string) => void;
  /** Milliseconds after which it is left as it is, for the next time. */
  readonly msMax: number;
  /** Whether a change is made after which too few voters answer, or a new one does not have the log. */
  readonly force: boolean;
}

/**
 * @returns the group, once it is as it should be.
 * @throws CommandError `refused`, `unavailable`, or `again` when the time is over.
 */
export async function regroup(goal: Goal, options: RegroupOptions): Promise<Group> {
  const { client, msMax, force } = options;
  const until = performance.now() + msMax;
  const tell = sparing(options.tell);
  for (let refusedAt: number | null = null; ;) {
    const group = await client.group();
    const step = nextStep(group, goal);
    if (step.kind === 'done') return group;
    if (step.kind === 'impossible') throw new CommandError(COMMAND_EXIT.refused, step.why);
    if (performance.now() > until) {
      const why = step.kind === 'wait' ? step.why : 'the group goes on changing';
      throw new CommandError(COMMAND_EXIT.again, `not done after ${msMax / 1000} s, as ${why}: run it again`);
    }
    if (step.kind === 'wait') {
      tell(`waiting: ${step.why}`);
      await delay(POLL_MS);
      continue;
    }
    if (refusedAt === null) options.tell(toldOf(step));
    const refusal =
      step.kind === 'transfer'
        ? await client.transfer(group, step.to)
        : await client.change(group, step.parts, force);
    refusedAt = isChangeRefusal(refusal) ? (refusedAt ?? performance.now()) : null;
    if (refusal === null) continue;
    if (refusedAt !== null && performance.now() - refusedAt >= REFUSED_MS_MAX)
      throw refusedBy(group.self, refusal);
    tell(`not yet: ${refusal.message}`);
    await delay(POLL_MS);
  }
}

function toldOf(step: Extract<Step, { kind: 'transfer' | 'change' }>): string {
  if (step.kind === 'transfer') return `handing the lead over to ${step.to}`;
  const words = { addLearner: 'adding as a learner', addVoter: 'giving the vote to', remove: 'removing' };
  return step.parts.map(({ type, id }) => `${words[type]} ${id}`).join(', ');
}

/** Tells a line only when some time has passed since the last one. */
function sparing(tell: (line: string) => void): (line: string) => void {
  let toldAt = -Infinity;
  return (line) => {
    if (performance.now() - toldAt < TELL_MS) return;
    toldAt = performance.now();
    tell(line);
  };
}
