/** How a leader keeps one follower supplied: with entries, with news of the commit, or with a snapshot (Raft 5.3, 7). */
import type { CoreConfig } from './config.js';
import type { RaftLog } from './log.js';
import type { Progress } from './progress.js';
import type { Entry, Message, NodeId, Term } from './types.js';

/** One follower, for as long as it is one. */
export interface Replication {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly to: NodeId;
  readonly progress: Progress;
  /** Whether the follower was heard of within an election timeout. */
  isActive: boolean;
  /** Whether a risen commit index is worth an append without entries. */
  tellsCommit: boolean;
  readonly send: (message: Message) => void;
}

/** Sends what there is for the follower and can be sent. Returns whether a snapshot has to be sent from now on. */
export function replicate(to: Replication): boolean {
  const { log, progress } = to;
  if (progress.state === 'snapshotting') return false;
  if (progress.next <= log.base.index) {
    // One that failed is not repeated, and none begun, before the follower shows that it lives.
    if (progress.probeSent || !to.isActive) return false;
    progress.snapshot();
    return true;
  }
  if (progress.state === 'probing') {
    if (!progress.probeSent) append(to);
    return false;
  }
  while (progress.next <= log.lastIndex && !progress.windowFull) append(to);
  const commitIsNews = to.tellsCommit && progress.commitSent < log.commit && progress.next > log.commit;
  if (commitIsNews || progress.forceAppend) append(to);
  return false;
}

/** Sends a last append, so that a follower that is let go learns of the change that lets it go. */
export function sendFinalAppend(to: Replication): void {
  const { log, progress } = to;
  if (progress.state !== 'snapshotting' && progress.next > log.base.index) append(to);
}

function append({ config, log, term, to, progress, send }: Replication): void {
  const prevIndex = progress.next - 1;
  const isSendable = progress.next <= log.lastIndex && !progress.windowFull;
  const entries = isSendable ? log.entries(progress.next, log.lastIndex, config.limits.appendBytesMax) : [];
  const last = entries.at(-1)?.index ?? prevIndex;
  const { commit } = log;
  const prevTerm = log.term(prevIndex);
  send({ type: 'appendRequest', from: config.id, to, term, prevIndex, prevTerm, commit, entries });
  progress.forceAppend = false;
  progress.commitSent = Math.min(commit, last);
  progress.sent(last, recordBytes(entries));
}

function recordBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.record.byteLength;
  return bytes;
}
