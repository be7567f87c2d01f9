/** Replication to one follower: entries, the commit index, or a snapshot (Raft 5.3, 7). */
import type { CoreConfig } from './config.js';
import type { RaftLog } from './log.js';
import type { Progress } from './progress.js';
import type { Entry, Message, NodeId, Term } from './types.js';

/** The replication to one follower during one term. */
export interface Replicator {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly to: NodeId;
  readonly progress: Progress;
  /** Whether the follower has answered within an election timeout. */
  isActive: boolean;
  /** Whether to announce a higher commit index with an empty append. */
  announcesCommit: boolean;
  readonly send: (message: Message) => void;
}

/** Sends the follower the entries and the commit index that it lacks. Returns whether it needs a snapshot now. */
export function replicate(to: Replicator): boolean {
  const { log, progress } = to;
  if (progress.state === 'snapshotting') return false;
  if (progress.next <= log.base.index) {
    // Neither a first snapshot nor a retry starts before the follower answers.
    if (progress.probeSent || !to.isActive) return false;
    progress.startSnapshot();
    return true;
  }
  if (progress.state === 'probing') {
    if (!progress.probeSent) append(to);
    return false;
  }
  while (progress.next <= log.lastIndex && !progress.isWindowFull) append(to);
  const announcesCommit =
    to.announcesCommit && progress.sentCommit < log.commit && progress.next > log.commit;
  if (announcesCommit || progress.forceAppend) append(to);
  return false;
}

/** Sends a last append to a removed follower, from which it learns of its removal. */
export function sendFinalAppend(to: Replicator): void {
  const { log, progress } = to;
  if (progress.state !== 'snapshotting' && progress.next > log.base.index) append(to);
}

function append({ config, log, term, to, progress, send }: Replicator): void {
  const prevIndex = progress.next - 1;
  const isSendable = progress.next <= log.lastIndex && !progress.isWindowFull;
  const entries = isSendable ? log.entries(progress.next, log.lastIndex, config.limits.appendBytesMax) : [];
  const last = entries.at(-1)?.index ?? prevIndex;
  const { commit } = log;
  const prevTerm = log.term(prevIndex);
  send({ type: 'appendRequest', from: config.id, to, term, prevIndex, prevTerm, commit, entries });
  progress.forceAppend = false;
  progress.sentCommit = Math.min(commit, last);
  progress.onAppendSent(last, recordBytes(entries));
}

function recordBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.record.byteLength;
  return bytes;
}
