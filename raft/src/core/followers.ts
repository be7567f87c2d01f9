/**
 * The leader's view of the other members, learners included: the entries that each has, and what to send next.
 * Majorities are computed elsewhere (quorum.ts).
 */
import type { CoreConfig } from './config.js';
import { invariant } from './errors.js';
import type { RaftLog } from './log.js';
import { Progress } from './progress.js';
import { replicate, sendFinalAppend, type Replicator } from './replication.js';
import type { LogIndex, Message, NodeId, Term } from './types.js';

/** What a leader needs from the core. */
export interface LeaderContext {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly send: (message: Message) => void;
}

/**
 * Election timeouts without contact after which the log is no longer retained for a follower. On a slow link
 * one append may take longer than a timeout. After a broken link the limit is lower, because a live follower
 * reconnects soon.
 */
const LIVE_TIMEOUTS_MAX = 10;
const BROKEN_TIMEOUTS_MAX = 4;

export class FollowerSet {
  readonly #context: LeaderContext;
  readonly #replications = new Map<NodeId, Replicator>();
  /**
   * Whether to announce a higher commit index with an empty append: once a tick. Otherwise the next entries carry it,
   * because an empty append for each commit would double the messages of a busy group.
   */
  #announcesCommit = false;
  #snapshots: NodeId[] = [];

  constructor(context: LeaderContext) {
    this.#context = context;
  }

  /** Sets the other members. A removed member is sent a final append, from which it learns of its removal. */
  setMembers(members: readonly NodeId[]): void {
    const { config, log } = this.#context;
    const { inflightMessagesMax: messagesMax, inflightBytesMax: bytesMax } = config.limits;
    for (const [member, replication] of this.#replications) {
      if (members.includes(member)) continue;
      sendFinalAppend(replication);
      this.#replications.delete(member);
    }
    for (const member of members) {
      if (member === config.id || this.#replications.has(member)) continue;
      const progress = new Progress(log.lastIndex + 1, { messagesMax, bytesMax });
      const context = this.#context;
      this.#replications.set(member, {
        ...context,
        to: member,
        progress,
        isActive: true,
        announcesCommit: false,
      });
    }
  }

  get(member: NodeId): Progress | undefined {
    return this.#replications.get(member)?.progress;
  }

  tick(): void {
    this.#announcesCommit = true;
    for (const { progress } of this.#replications.values()) progress.ticksSinceResponse += 1;
  }

  /** Whether a member has answered within an election timeout; the start of the term counts as an answer. */
  isActive(member: NodeId): boolean {
    const progress = this.get(member);
    return progress !== undefined && progress.ticksSinceResponse < this.#context.config.electionTicks;
  }

  /** Whether a member has answered within an election timeout, in this term, and since its link last broke. */
  isReachable(member: NodeId): boolean {
    return this.isActive(member) && this.get(member)?.hasResponded === true;
  }

  /** The link from or to `member` broke, as all of them do when its process dies. */
  onLinkLost(member: NodeId): void {
    const progress = this.get(member);
    if (progress !== undefined) progress.hasResponded = false;
  }

  /** The active one of `members` with the longest matching log; null if none is active. */
  mostUpToDateOf(members: readonly NodeId[]): NodeId | null {
    let best: NodeId | null = null;
    let bestMatch = -1;
    for (const [member, { progress }] of this.#replications) {
      const { match } = progress;
      if (match <= bestMatch || !members.includes(member) || !this.isActive(member)) continue;
      best = member;
      bestMatch = match;
    }
    return best;
  }

  /** Sends heartbeats that ask all members to confirm the leader for `round`. */
  sendHeartbeats(round: number): void {
    const { config, log, term, send } = this.#context;
    for (const [to, { progress }] of this.#replications) {
      // At most the matching index: later entries of the follower may differ and must not be committed.
      const commit = Math.min(log.commit, progress.match);
      send({ type: 'heartbeat', from: config.id, to, term, commit, round });
    }
  }

  /** Sends each member the entries that it lacks, as far as its window allows. */
  replicate(): void {
    for (const [to, replication] of this.#replications) {
      replication.isActive = this.isActive(to);
      replication.announcesCommit = this.#announcesCommit;
      if (replicate(replication)) this.#snapshots.push(to);
    }
    this.#announcesCommit = false;
  }

  /** Members that need a snapshot, each returned once. */
  takeSnapshots(): readonly NodeId[] {
    const snapshots = this.#snapshots;
    this.#snapshots = [];
    return snapshots;
  }

  /** For each live follower that receives the log: the index after which it needs entries. */
  retainedIndexes(): readonly { readonly to: NodeId; readonly index: LogIndex }[] {
    const { config, log } = this.#context;
    const isLive = ({ hasResponded, ticksSinceResponse }: Progress): boolean =>
      ticksSinceResponse < (hasResponded ? LIVE_TIMEOUTS_MAX : BROKEN_TIMEOUTS_MAX) * config.electionTicks;
    return (
      [...this.#replications]
        // Nothing is known of a follower that has not answered in this term.
        .filter(([, { progress }]) => (progress.hasResponded || progress.match > 0) && isLive(progress))
        .filter(
          ([, { progress }]) => progress.state !== 'snapshotting' && progress.retainAfter >= log.base.index,
        )
        .map(([to, { progress }]) => ({ to, index: progress.retainAfter }))
    );
  }

  onAppendAccepted(member: NodeId, match: LogIndex): void {
    const { lastIndex } = this.#context.log;
    const progress = this.#recordContact(member);
    if (progress === undefined) return;
    invariant(
      match <= lastIndex,
      `${member} acknowledged entry ${match}, but the leader's log ends at ${lastIndex}`,
    );
    progress.onAppendAccepted(match, this.#context.log.base.index);
  }

  onAppendRejected(member: NodeId, prevIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term): void {
    this.#recordContact(member)?.onAppendRejected(
      prevIndex,
      this.#context.log.findConflictByTerm(hintIndex, hintTerm),
    );
  }

  onHeartbeatResponse(member: NodeId, round: number, commit: LogIndex): void {
    const progress = this.#recordContact(member);
    if (progress === undefined) return;
    progress.reportedCommit = Math.max(progress.reportedCommit, commit);
    progress.probeSent = false;
    if (progress.match < this.#context.log.lastIndex) progress.forceAppend = true;
    progress.acknowledgedRound = Math.max(progress.acknowledgedRound, round);
  }

  /** The follower has confirmed that it received the snapshot as of `index`. */
  onSnapshotAccepted(member: NodeId, index: LogIndex): void {
    this.#recordContact(member)?.onSnapshotAccepted(index);
  }

  #recordContact(member: NodeId): Progress | undefined {
    const progress = this.get(member);
    if (progress === undefined) return undefined;
    progress.ticksSinceResponse = 0;
    progress.hasResponded = true;
    return progress;
  }
}
