/**
 * The other members as their leader sees them, learners among them: what each has, and what is sent to it next. Who of
 * them counts in which majority is not decided here.
 */
import type { CoreConfig } from './config.js';
import { invariant } from './errors.js';
import type { RaftLog } from './log.js';
import { Progress } from './progress.js';
import { replicate, sendFinalAppend, type Replication } from './replication.js';
import type { LogIndex, Message, NodeId, Term } from './types.js';

/** What a leadership may do to the core around it. */
export interface LeaderContext {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly send: (message: Message) => void;
}

/**
 * Election timeouts of silence after which the log is not kept for a follower any more: on a slow link a single append may
 * take longer than one. A link that broke is dialed again in less, unless the follower is down.
 */
const LIVE_TIMEOUTS_MAX = 10;
const BROKEN_TIMEOUTS_MAX = 4;

export class Followers {
  readonly #context: LeaderContext;
  readonly #supplies = new Map<NodeId, Replication>();
  /**
   * Whether a risen commit index is worth an append without entries. Once a tick it is: otherwise it rides on the next
   * entries, since an empty append for each commit would double the messages of a busy group.
   */
  #tellsCommit = false;
  #snapshots: NodeId[] = [];

  constructor(context: LeaderContext) {
    this.#context = context;
  }

  /** From now on these are the other members. Who goes is sent a last append, to learn of the change that lets it go. */
  become(members: readonly NodeId[]): void {
    const { config, log } = this.#context;
    const { inflightMessagesMax: messagesMax, inflightBytesMax: bytesMax } = config.limits;
    for (const [member, supplied] of this.#supplies) {
      if (members.includes(member)) continue;
      sendFinalAppend(supplied);
      this.#supplies.delete(member);
    }
    for (const member of members) {
      if (member === config.id || this.#supplies.has(member)) continue;
      const progress = new Progress(log.lastIndex + 1, { messagesMax, bytesMax });
      const context = this.#context;
      this.#supplies.set(member, { ...context, to: member, progress, isActive: true, tellsCommit: false });
    }
  }

  get(member: NodeId): Progress | undefined {
    return this.#supplies.get(member)?.progress;
  }

  tick(): void {
    this.#tellsCommit = true;
    for (const { progress } of this.#supplies.values()) progress.silentTicks += 1;
  }

  /** Whether a member was heard of within an election timeout. */
  isActive(member: NodeId): boolean {
    const progress = this.get(member);
    return progress !== undefined && progress.silentTicks < this.#context.config.electionTicks;
  }

  /** Whether a member has answered within an election timeout, in this term and since its link last broke. */
  isReachable(member: NodeId): boolean {
    return this.isActive(member) && this.get(member)?.isHeard === true;
  }

  /** The link from or to `member` broke, as all of them do when its process dies. */
  linkLost(member: NodeId): void {
    const progress = this.get(member);
    if (progress !== undefined) progress.isHeard = false;
  }

  /** The active one of `members` whose log reaches furthest; null if there is none. */
  furthestOf(members: readonly NodeId[]): NodeId | null {
    let best: NodeId | null = null;
    let bestMatch = -1;
    for (const [member, { progress }] of this.#supplies) {
      const { match } = progress;
      if (match <= bestMatch || !members.includes(member) || !this.isActive(member)) continue;
      best = member;
      bestMatch = match;
    }
    return best;
  }

  /** Asks all to confirm the leader for `round`. */
  heartbeat(round: number): void {
    const { config, log, term, send } = this.#context;
    for (const [to, { progress }] of this.#supplies) {
      // A follower must not learn of a commit beyond what is known to agree: its own tail there may differ.
      const commit = Math.min(log.commit, progress.match);
      send({ type: 'heartbeat', from: config.id, to, term, commit, round });
    }
  }

  /** Sends each what it lacks and may be sent now. */
  replicate(): void {
    for (const [to, supplied] of this.#supplies) {
      supplied.isActive = this.isActive(to);
      supplied.tellsCommit = this.#tellsCommit;
      if (replicate(supplied)) this.#snapshots.push(to);
    }
    this.#tellsCommit = false;
  }

  /** Members that need a snapshot from now on, each named once. */
  takeSnapshots(): readonly NodeId[] {
    const snapshots = this.#snapshots;
    this.#snapshots = [];
    return snapshots;
  }

  /** After which index each live follower needs the log, of those that are fed from it. */
  neededEntries(): readonly { readonly to: NodeId; readonly index: LogIndex }[] {
    const { config, log } = this.#context;
    const isLive = ({ isHeard, silentTicks }: Progress): boolean =>
      silentTicks < (isHeard ? LIVE_TIMEOUTS_MAX : BROKEN_TIMEOUTS_MAX) * config.electionTicks;
    return (
      [...this.#supplies]
        // Of one that was not heard of in this term nothing is known, not even where it lags.
        .filter(([, { progress }]) => (progress.isHeard || progress.match > 0) && isLive(progress))
        .filter(([, { progress }]) => progress.state !== 'snapshotting' && progress.needed >= log.base.index)
        .map(([to, { progress }]) => ({ to, index: progress.needed }))
    );
  }

  accepted(member: NodeId, match: LogIndex): void {
    const { lastIndex } = this.#context.log;
    const progress = this.#heard(member);
    if (progress === undefined) return;
    invariant(match <= lastIndex, `${member} has ${match}, the leader ${lastIndex}`);
    progress.accepted(match, this.#context.log.base.index);
  }

  rejected(member: NodeId, prevIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term): void {
    this.#heard(member)?.rejected(prevIndex, this.#context.log.lastAgreeable(hintIndex, hintTerm));
  }

  confirmed(member: NodeId, round: number, commit: LogIndex): void {
    const progress = this.#heard(member);
    if (progress === undefined) return;
    progress.commitKnown = Math.max(progress.commitKnown, commit);
    progress.probeSent = false;
    if (progress.match < this.#context.log.lastIndex) progress.forceAppend = true;
    progress.roundAcknowledged = Math.max(progress.roundAcknowledged, round);
  }

  /** The snapshot as of `index` is with the follower, which has said so. */
  snapshotSent(member: NodeId, index: LogIndex): void {
    this.#heard(member)?.snapshotSent(index);
  }

  #heard(member: NodeId): Progress | undefined {
    const progress = this.get(member);
    if (progress === undefined) return undefined;
    progress.silentTicks = 0;
    progress.isHeard = true;
    return progress;
  }
}
