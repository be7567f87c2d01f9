/**
 * Submits a command to the leader and retries it with the same key until it has a result, its deadline
 * expires, or so many attempts were lost that the command itself may be breaking the links.
 */
import type { CommandWire, SubmitResult } from '@trireme/domain';
import type { RpcClient } from './rpc-client.js';
import { RETRY, LOST, NO_RESULT, retryUntilDeadline } from './retry.js';
import type { CallFailure } from '../rules/call-table.js';
import type { Deadline } from '../rules/deadlines.js';
import type { FinalResult, NoResultReason } from '../rules/results.js';

/** A command, with the id of its request if that request is traced. */
export type TracedCommand = readonly [...CommandWire, requestId?: string];

/** Submits the command. Resolves at the latest at the deadline. */
export async function submitUntilDecided(
  commands: Pick<RpcClient<TracedCommand, SubmitResult>, 'call'>,
  command: TracedCommand,
  deadline: Deadline,
): Promise<FinalResult | NoResultReason> {
  // A later refusal does not undo the effect that an earlier attempt may have had.
  const tried = { mayHaveEffect: false };
  const result = await retryUntilDeadline<FinalResult>(deadline, async () => {
    const answer = await commands.call(command, deadline);
    tried.mayHaveEffect ||= mayHaveEffect(answer);
    return resultOf(answer);
  });
  // `invalid` means that this attempt had no effect; an earlier one may have had one.
  const isFinal = result !== NO_RESULT && (result[1] !== 'invalid' || !tried.mayHaveEffect);
  if (isFinal) return result;
  return tried.mayHaveEffect ? 'unknown' : 'noEffect';
}

/** The final result of an attempt, or `RETRY` or `LOST` if it has to be retried. */
function resultOf(answer: SubmitResult | CallFailure): FinalResult | typeof RETRY | typeof LOST {
  if (answer === 'unanswered') return LOST;
  if (answer === 'unsent') return RETRY;
  switch (answer[1]) {
    case 'lost':
    case 'refused':
      return RETRY;
    case 'filled':
    case 'done':
    case 'rejected':
    case 'keyReused':
    case 'invalid':
      return answer;
  }
}

/**
 * Whether an attempt may have had an effect or may still have one. This includes final results: one that arrives just
 * before the deadline expires is dropped.
 */
function mayHaveEffect(answer: SubmitResult | CallFailure): boolean {
  if (answer === 'unanswered') return true;
  return answer !== 'unsent' && answer[1] !== 'refused' && answer[1] !== 'invalid';
}
