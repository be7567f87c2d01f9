/** What a follower does with what the leader of its term sends (Raft 5.3). */
import type { RaftLog } from './log.js';
import type { Outbox } from './outbox.js';
import type { AppendRequest, Heartbeat, InstallSnapshot } from './types.js';

/**
 * Takes the entries if they continue the log; the acknowledgement waits for the disk, a refusal does not, unless the disk
 * hangs: it would be taken for a sign of life.
 */
export function takeAppend(message: AppendRequest, log: RaftLog, outbox: Outbox): void {
  const { from: to, to: from, term, prevIndex, prevTerm, entries } = message;
  // What is committed here is in the leader's log as well: merging checks that it is the same.
  if (prevIndex >= log.commit && !log.matches(prevIndex, prevTerm)) {
    if (outbox.isDiskHanging) return;
    const hintIndex = log.lastAgreeable(prevIndex, prevTerm);
    const hintTerm = log.term(hintIndex);
    outbox.send({ type: 'appendRejected', from, to, term, prevIndex, hintIndex, hintTerm });
    return;
  }
  log.merge(entries);
  // Whoever leads has what is committed; beyond that only what this request showed to agree counts, as our own
  // tail behind it may differ.
  const match = Math.max(prevIndex + entries.length, log.commit);
  log.commitTo(Math.min(message.commit, match));
  outbox.hold({ type: 'appendAccepted', from, to, term, match });
}

/**
 * Takes a snapshot if it is ahead of what is committed here. The acknowledgement waits until it is durable; of one that
 * is dropped it says how far this member has come without it. Returns whether it is to be installed.
 */
export function takeSnapshot(message: InstallSnapshot, log: RaftLog, outbox: Outbox): boolean {
  const { from: to, to: from, term, base } = message;
  const isTaken = log.restore(base);
  outbox.hold({ type: 'appendAccepted', from, to, term, match: log.commit });
  return isTaken;
}

/**
 * The leader asks only for what it knows to agree to be committed. Whose disk hangs gives no answer: it would keep a
 * leader that can commit nothing by it.
 */
export function takeHeartbeat(message: Heartbeat, log: RaftLog, outbox: Outbox): void {
  const { from: to, to: from, term, round, commit } = message;
  log.commitTo(commit);
  if (outbox.isDiskHanging) return;
  outbox.send({ type: 'heartbeatResponse', from, to, term, round, commit: log.commit });
}
