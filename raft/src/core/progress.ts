/**
 * The leader's knowledge of one follower (the Progress of etcd's raft).
 *
 *     probing      next is a guess: one append at a time, until the follower reports where its log matches
 *     replicating  next is ahead of match: appends are pipelined within the window
 *     snapshotting next is compacted: a snapshot is being sent, and no appends until it ends
 */
import type { LogIndex } from './types.js';

interface Window {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

type ProgressState = 'probing' | 'replicating' | 'snapshotting';

export class Progress {
  /** The follower's log durably matches the leader's log up to this index. */
  match: LogIndex = 0;
  /** The next entry to send. Always above `match`. */
  next: LogIndex;
  state: ProgressState = 'probing';
  /** Whether a probe is in flight; an append response, a heartbeat response or a broken link allows the next. */
  probeSent = false;
  /** Ticks since the follower's last answer, or since the start of the term. */
  ticksSinceResponse = 0;
  /** Whether the follower has answered in this term, and since its link last broke. */
  hasResponded = false;
  /** The highest commit index that was sent to the follower. */
  sentCommit: LogIndex = 0;
  /** The highest commit index that the follower has reported. */
  reportedCommit: LogIndex = 0;
  /** The highest read round that the follower has answered. */
  acknowledgedRound = 0;
  /**
   * Whether to send an append even with a full window. Set when a follower that lacks entries answers a
   * heartbeat: the answer to the append tells which entries arrived, so that a window does not stay full after
   * answers were lost.
   */
  forceAppend = false;
  readonly #window: Window;
  /** Appends in flight, oldest first. */
  readonly #inflight: { readonly last: LogIndex; readonly bytes: number }[] = [];
  #inflightBytes = 0;

  constructor(next: LogIndex, window: Window) {
    this.next = next;
    this.#window = window;
  }

  /** The follower needs the log after this index, as far as the leader knows. */
  get retainAfter(): LogIndex {
    return this.state === 'replicating' ? this.match : this.next - 1;
  }

  get isWindowFull(): boolean {
    return this.#inflight.length >= this.#window.messagesMax || this.#inflightBytes >= this.#window.bytesMax;
  }

  get inflightMessages(): number {
    return this.#inflight.length;
  }

  /** Records an append with entries up to `last`; when replicating, `next` advances without an answer. */
  onAppendSent(last: LogIndex, bytes: number): void {
    if (this.state === 'probing') {
      this.probeSent = true;
      return;
    }
    if (last < this.next) return;
    this.next = last + 1;
    this.#inflight.push({ last, bytes });
    this.#inflightBytes += bytes;
  }

  /** The follower has all entries up to `match`. @param base index of the log's base */
  onAppendAccepted(match: LogIndex, base: LogIndex): void {
    this.match = Math.max(this.match, match);
    this.next = Math.max(this.next, match + 1);
    this.probeSent = false;
    // A follower that has the compacted entries, from any source, needs only appends from here on.
    const needsNoSnapshot = this.state === 'snapshotting' && match >= base;
    if ((this.state === 'probing' && match === this.match) || needsNoSnapshot) this.#become('replicating');
    while (this.#inflight[0] !== undefined && this.#inflight[0].last <= match) {
      this.#inflightBytes -= this.#inflight[0].bytes;
      this.#inflight.shift();
    }
  }

  /** The follower rejected an append after `prevIndex`. @param agreeable last index at which both logs could match */
  onAppendRejected(prevIndex: LogIndex, agreeable: LogIndex): void {
    // Matched entries stay matched: this answer is stale, or the follower has lost its disk. An immediate retry
    // to the latter would loop for ever at network speed.
    if (prevIndex <= this.match) return;
    if (this.state === 'replicating') {
      this.#become('probing');
      return;
    }
    if (this.state === 'snapshotting') return;
    // This answers an older probe.
    if (prevIndex !== this.next - 1) return;
    this.next = Math.max(Math.min(prevIndex, agreeable + 1), this.match + 1);
    this.probeSent = false;
  }

  /** Starts a snapshot: the follower needs compacted entries. */
  startSnapshot(): void {
    this.#become('snapshotting');
  }

  /** The follower has the snapshot as of `index`. Its acknowledgement may get lost, so a probe follows. */
  onSnapshotAccepted(index: LogIndex): void {
    if (this.state !== 'snapshotting') return;
    this.#become('probing');
    this.next = Math.max(this.next, index + 1);
  }

  /** The snapshot could not be delivered. The next one waits until the follower answers. */
  onSnapshotFailed(): void {
    if (this.state !== 'snapshotting') return;
    this.#become('probing');
    this.probeSent = true;
  }

  /** Appends in flight may be lost: probes from the last known match. A snapshot transfer reports its own failure. */
  onUnreachable(): void {
    if (this.state === 'replicating') this.#become('probing');
  }

  #become(state: ProgressState): void {
    this.state = state;
    this.next = this.match + 1;
    this.probeSent = false;
    this.#inflight.length = 0;
    this.#inflightBytes = 0;
  }
}
