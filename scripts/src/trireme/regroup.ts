/** Brings the group to what its operator wants, step by step, telling each; asked again it goes on where the group stands. */
import { setTimeout as delay } from 'node:timers/promises';
import { nextStep, refuseChange, type ChangePart, type Goal, type Group } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { BAD_MEMBERSHIP, refusedBy, type GroupClient } from './group-client.js';

const POLL_MS = 100;
/** A line at least this often while there is nothing to do but to wait, in milliseconds. */
const TELL_MS = 2_000;
/** Refused so often in a row for what the group seems to need is refused. */
const REFUSALS_MAX = 3;

export interface RegroupOptions {
  readonly client: GroupClient;
  /** Gets each step as a line. */
  readonly tell: (line: string) => void;
  /** Milliseconds after which it is left as it is, for the next time. */
  readonly msMax: number;
  /** Whether a change is made that leaves a group without a majority that answers. */
  readonly force: boolean;
}

/**
 * @returns the group, once it is as it should be.
 * @throws CommandError `refused`, `unavailable`, or `again` when the time is over.
 */
export async function regroup(goal: Goal, options: RegroupOptions): Promise<Group> {
  const { client, msMax } = options;
  const until = performance.now() + msMax;
  const tell = sparing(options.tell);
  for (let refusals = 0; ;) {
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
    if (step.kind === 'change') await checkChange(group, step.parts, options);
    options.tell(step.kind === 'transfer' ? `handing the lead over to ${step.to}` : toldOf(step.parts));
    const refusal =
      step.kind === 'transfer'
        ? await client.transfer(group, step.to)
        : await client.change(group, step.parts);
    if (refusal === null) {
      refusals = 0;
      continue;
    }
    refusals = refusal.status === BAD_MEMBERSHIP ? refusals + 1 : 0;
    if (refusals >= REFUSALS_MAX) throw refusedBy(group.self, refusal);
    options.tell(`not yet: ${refusal.message}`);
    await delay(POLL_MS);
  }
}

async function checkChange(
  group: Group,
  parts: readonly ChangePart[],
  { client, force }: RegroupOptions,
): Promise<void> {
  if (force || parts.every(({ type }) => type !== 'remove')) return;
  const answers = await Promise.all(
    group.members.map(
      async ({ id, url }) => [id, url !== null && (await client.status(url))?.id === id] as const,
    ),
  );
  const up = new Map(answers);
  const why = refuseChange(group, parts, (id) => up.get(id) === true);
  if (why !== null) throw new CommandError(COMMAND_EXIT.refused, `${why} (--force does it all the same)`);
}

function toldOf(parts: readonly ChangePart[]): string {
  const words = { addLearner: 'adding as a learner', addVoter: 'giving the vote to', remove: 'removing' };
  return parts.map(({ type, id }) => `${words[type]} ${id}`).join(', ');
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
