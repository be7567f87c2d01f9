/** How a follower handles the messages of the leader of its term (Raft 5.3). */
import type { RaftLog } from './log.js';
import type { Outbox } from './outbox.js';
import type { AppendRequest, Heartbeat, ReceivedSnapshot } from './types.js';

/**
 * Appends the entries if they continue the log. The acknowledgement waits for the disk, a rejection does not. A member
 * with a hung disk does not even reject: the leader would count it as active.
 */
export function handleAppend(message: AppendRequest, log: RaftLog, outbox: Outbox): void {
  const { from: to, to: from, term, prevIndex, prevTerm, entries } = message;
  // The leader's log contains everything committed here; merge() checks that it is equal.
  if (prevIndex >= log.commit && !log.matches(prevIndex, prevTerm)) {
    if (outbox.isDiskHung) return;
    const hintIndex = log.findConflictByTerm(prevIndex, prevTerm);
    const hintTerm = log.term(hintIndex);
    outbox.send({ type: 'appendRejected', from, to, term, prevIndex, hintIndex, hintTerm });
    return;
  }
  log.merge(entries);
  // Committed entries match the leader's log. After them, only the entries of this request are known to match: later
  // entries of this log may differ.
  const match = Math.max(prevIndex + entries.length, log.commit);
  log.commitTo(Math.min(message.commit, match));
  outbox.sendWhenDurable({ type: 'appendAccepted', from, to, term, match });
}

/**
 * Accepts a snapshot if it is ahead of this member's commit index, and returns whether to install it. The
 * acknowledgement waits until the snapshot is durable. For a dropped snapshot it reports this member's commit index.
 */
export function handleSnapshot(message: ReceivedSnapshot, log: RaftLog, outbox: Outbox): boolean {
  const { from: to, to: from, term, base } = message;
  const isTaken = log.handleSnapshot(base);
  outbox.sendWhenDurable({ type: 'appendAccepted', from, to, term, match: log.commit });
  return isTaken;
}

/**
 * The commit index of a heartbeat covers only entries that match the leader's log. A member with a hung disk does not
 * answer: the leader must not count it in the quorum check, because it cannot acknowledge entries.
 */
export function handleHeartbeat(message: Heartbeat, log: RaftLog, outbox: Outbox): void {
  const { from: to, to: from, term, round, commit } = message;
  log.commitTo(commit);
  if (outbox.isDiskHung) return;
  outbox.send({ type: 'heartbeatResponse', from, to, term, round, commit: log.commit });
}
