/**
 * Submits a command to the leader, and repeats it with the same key until it has a result, its deadline expires, or so many
 * attempts were lost that the command itself may be breaking the links.
 */
import type { CommandWire, SubmitResult } from '@trireme/domain';
import type { RpcClient } from './rpc-client.js';
import { AGAIN, LOST, NO_RESULT, retryAfter } from './retry.js';
import type { NoAnswer } from './rules/call-table.js';
import type { Deadline } from './rules/deadlines.js';
import type { Decided, Undecided } from './rules/results.js';

/** A command, and the id of the request that brought it where that is followed. */
export type TracedCommand = readonly [...CommandWire, requestId?: string];

type Commands = Pick<RpcClient<TracedCommand, SubmitResult>, 'ask' | 'askThen'>;

/**
 * Called back and not awaited: the first attempt is as good as always the last, and promises on its way would cost an
 * order more than all the rest of it here.
 * @param done called once, with the result, by the deadline; it must not throw.
 * @param failed called instead where the front-end itself is broken.
 */
export function decide(
  commands: Commands,
  command: TracedCommand,
  deadline: Deadline,
  done: (result: Decided | Undecided) => void,
  failed: (error: unknown) => void,
): void {
  commands.askThen(command, deadline, (answer) => {
    const result = resultOf(answer);
    if (result !== AGAIN && result !== LOST) done(result);
    else decideAgain(commands, command, deadline, answer).then(done, failed);
  });
}

/** @param first what the first attempt came to */
async function decideAgain(
  commands: Commands,
  command: TracedCommand,
  deadline: Deadline,
  first: SubmitResult | NoAnswer,
): Promise<Decided | Undecided> {
  // Once an attempt may have had an effect, a later refusal does not mean that there is none.
  const tried = { handedOver: mayHaveEffect(first) };
  const result = await retryAfter<Decided>(first === 'unanswered' ? LOST : AGAIN, deadline, async () => {
    const answer = await commands.ask(command, deadline);
    tried.handedOver ||= mayHaveEffect(answer);
    return resultOf(answer);
  });
  // `invalid` says that this attempt had no effect; an earlier one may have had one.
  const isFinal = result !== NO_RESULT && (result[1] !== 'invalid' || !tried.handedOver);
  if (isFinal) return result;
  return tried.handedOver ? 'unknown' : 'noEffect';
}

/** The result that the answer to an attempt is, or that another attempt is to be made. */
function resultOf(answer: SubmitResult | NoAnswer): Decided | typeof AGAIN | typeof LOST {
  if (answer === 'unanswered') return LOST;
  if (answer === 'unsent') return AGAIN;
  switch (answer[1]) {
    case 'lost':
    case 'refused':
      return AGAIN;
    case 'filled':
    case 'done':
    case 'rejected':
    case 'keyReused':
    case 'invalid':
      return answer;
  }
}

/** Whether an attempt without a result may have an effect all the same. */
function mayHaveEffect(answer: SubmitResult | NoAnswer): boolean {
  return answer === 'unanswered' || (answer !== 'unsent' && answer[1] === 'lost');
}
