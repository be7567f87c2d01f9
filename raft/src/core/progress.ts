/**
 * What a leader knows of one follower.
 *
 *     probing      next is a guess: one append at a time, until the follower says where its log agrees
 *     replicating  next runs ahead of match: appends are pipelined within the window
 *     snapshotting next is compacted: a snapshot is under way, and no append before its end is known
 */
import type { LogIndex } from './types.js';

interface Window {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

type ProgressState = 'probing' | 'replicating' | 'snapshotting';

export class Progress {
  /** The follower's log is known to agree with ours, durably, up to here. */
  match: LogIndex = 0;
  /** The next entry to send. Always above `match`. */
  next: LogIndex;
  state: ProgressState = 'probing';
  /** Whether a probe is out; a response, a heartbeat's answer or a broken link allows the next. */
  probeSent = false;
  /** Ticks since the follower was heard of, or the term began. */
  silentTicks = 0;
  /** Whether the follower was heard of in this term, and since its link last broke. */
  isHeard = false;
  /** The highest commit index that was sent. */
  commitSent: LogIndex = 0;
  /** The highest commit index that the follower has said to know of. */
  commitKnown: LogIndex = 0;
  /** The highest read round that the follower has answered. */
  roundAcknowledged = 0;
  /**
   * An answered heartbeat shows that the follower lives while entries are missing: send even an empty append. Its
   * answer says what became of those in flight, so that a window whose answers were lost does not stay full.
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

  /** The follower needs the log after this index, as far as is known. */
  get needed(): LogIndex {
    return this.state === 'replicating' ? this.match : this.next - 1;
  }

  get windowFull(): boolean {
    return this.#inflight.length >= this.#window.messagesMax || this.#inflightBytes >= this.#window.bytesMax;
  }

  get inflightMessages(): number {
    return this.#inflight.length;
  }

  /** Notes an append with entries up to `last`; when replicating, `next` moves on without waiting. */
  sent(last: LogIndex, bytes: number): void {
    if (this.state === 'probing') {
      this.probeSent = true;
      return;
    }
    if (last < this.next) return;
    this.next = last + 1;
    this.#inflight.push({ last, bytes });
    this.#inflightBytes += bytes;
  }

  /** The follower has everything up to `match`; the log begins behind `base`. */
  accepted(match: LogIndex, base: LogIndex): void {
    this.match = Math.max(this.match, match);
    this.next = Math.max(this.next, match + 1);
    this.probeSent = false;
    // However a follower came by what the log no longer has, from here on appends will do.
    const isSupplied = this.state === 'snapshotting' && match >= base;
    if ((this.state === 'probing' && match === this.match) || isSupplied) this.#become('replicating');
    while (this.#inflight[0] !== undefined && this.#inflight[0].last <= match) {
      this.#inflightBytes -= this.#inflight[0].bytes;
      this.#inflight.shift();
    }
  }

  /** The follower refused an append behind `prevIndex`; `agreeable` is where both logs could agree. */
  rejected(prevIndex: LogIndex, agreeable: LogIndex): void {
    // What was agreed once stays agreed: the refusal is stale, or the follower lost its disk. To ask again at once
    // would then go on for ever at the network's speed.
    if (prevIndex <= this.match) return;
    if (this.state === 'replicating') {
      this.#become('probing');
      return;
    }
    if (this.state === 'snapshotting') return;
    // A probe that is not the last one sent.
    if (prevIndex !== this.next - 1) return;
    this.next = Math.max(Math.min(prevIndex, agreeable + 1), this.match + 1);
    this.probeSent = false;
  }

  /** A snapshot is to be sent: the follower needs entries that the log no longer has. */
  snapshot(): void {
    this.#become('snapshotting');
  }

  /** The snapshot as of `index` is with the follower. Its acknowledgement may be lost: a probe asks for it. */
  snapshotSent(index: LogIndex): void {
    if (this.state !== 'snapshotting') return;
    this.#become('probing');
    this.next = Math.max(this.next, index + 1);
  }

  /** The snapshot did not come through. The next one waits until the follower is heard of. */
  snapshotFailed(): void {
    if (this.state !== 'snapshotting') return;
    this.#become('probing');
    this.probeSent = true;
  }

  /** What was in flight may be lost: go back to what is known. Of a snapshot its own transfer will tell. */
  unreachable(): void {
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
