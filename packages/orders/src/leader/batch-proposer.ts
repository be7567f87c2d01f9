/**
 * Appends the batches of a leader session to the log. Decides when the next batch goes: at the end of a turn of the
 * event loop, unless it waits for more commands, too many batches are in flight, or the log refused one.
 */
import { encodeBatch, type Command } from '@trireme/domain';
import { RaftError, type LogIndex } from '@trireme/raft';
import { deferWork } from '@trireme/service';
import { BatchDelay } from '../rules/leader/batch-delay.js';
import type { CommandQueue } from '../rules/leader/command-queue.js';
import { LogClock } from '../rules/leader/log-clock.js';
import type { BookMeta } from '../rules/book/state.js';

/** A batch in the log. */
interface LoggedBatch {
  readonly index: LogIndex;
  readonly bytes: Uint8Array;
}

interface BatchProposerOptions {
  /** Appends an entry to the log of the Raft node. */
  readonly propose: (bytes: Uint8Array) => { readonly index: LogIndex };
  readonly queue: CommandQueue;
  readonly book: { readonly meta: BookMeta };
  /** Called before commands are taken from the queue. */
  readonly beforeCommands: () => void;
  readonly onLogged: (batch: LoggedBatch, commands: readonly Command[]) => void;
  readonly fail: (error: unknown) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Median of the members' wall clocks, in milliseconds since 1970; it may jump. */
  readonly wallClock: () => number;
}

/**
 * Each batch announces the number of visible orders to the other replicas. If no batch follows for this long,
 * in milliseconds, an entry without commands announces it.
 */
const ANNOUNCE_VISIBLE_MS = 100;
/**
 * Maximum number of proposed, uncommitted batches; commands that arrive meanwhile make the next batch larger.
 */
const PROPOSALS_IN_FLIGHT_MAX = 8;
/** Delay before a step that was refused because of load is retried, in milliseconds. */
const RETRY_MS = 20;

export class BatchProposer {
  readonly #options: BatchProposerOptions;
  readonly #delay = new BatchDelay();
  readonly #clock: LogClock;
  /** Log indexes of this session's uncommitted proposals, in order. */
  readonly #proposed: LogIndex[] = [];
  /** The number of visible orders announced last in the log. */
  #announcedVisible: number;
  #isFlushDue = false;
  #isAnnounceScheduled = false;
  #isAnnounceDue = false;
  #isDelayScheduled = false;
  #isRetryScheduled = false;
  #isStopped = false;

  constructor(options: BatchProposerOptions) {
    this.#options = options;
    const { meta } = options.book;
    this.#announcedVisible = meta.visibleOrders;
    this.#clock = new LogClock(meta, options.now());
  }

  /** Proposes nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Whether fewer batches than the limit are in flight. */
  get hasRoom(): boolean {
    return this.#proposed.length < PROPOSALS_IN_FLIGHT_MAX;
  }

  /** Entries up to log index `index` were applied, and are in flight no more. */
  onApplied(index: LogIndex): void {
    while (this.#proposed[0] !== undefined && this.#proposed[0] <= index) this.#proposed.shift();
  }

  /** Proposes the queued commands at the end of this turn of the event loop. */
  flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    deferWork(() => {
      this.#isFlushDue = false;
      if (!this.#isStopped) this.#flush();
    });
  }

  /** As `flushSoon`, if there is anything to propose. */
  flushIfWaiting(): void {
    if (this.#options.queue.queued > 0 || this.#isAnnounceDue) this.flushSoon();
  }

  /** Calls `onRetry` and then `flushSoon` after the delay before a retry. */
  flushLater(onRetry: () => void): void {
    this.#after(RETRY_MS, () => {
      onRetry();
      this.flushSoon();
    });
  }

  /** Schedules an announcement of the number of visible orders, unless a batch announces it first. */
  announceVisibleSoon(): void {
    if (this.#isAnnounceScheduled || this.#options.queue.visibleOrders <= this.#announcedVisible) return;
    this.#isAnnounceScheduled = true;
    const before = this.#announcedVisible;
    this.#after(ANNOUNCE_VISIBLE_MS, () => {
      this.#isAnnounceScheduled = false;
      if (this.#announcedVisible > before) this.announceVisibleSoon();
      else {
        this.#isAnnounceDue = true;
        this.flushSoon();
      }
    });
  }

  /**
   * Appends a batch. Returns null if the log refuses it now; then a retry is scheduled, unless leadership is
   * lost.
   */
  append(commands: readonly Command[], catalogs?: readonly string[]): LoggedBatch | null {
    const { queue, propose, now, wallClock } = this.#options;
    try {
      const times = this.#clock.next(now(), wallClock());
      const { visibleOrders } = queue;
      const bytes = encodeBatch({ ...times, visibleOrders, commands, seed: null, catalogs });
      const { index } = propose(bytes);
      this.#proposed.push(index);
      this.#announcedVisible = visibleOrders;
      this.#isAnnounceDue = false;
      return { index, bytes };
    } catch (error) {
      if (!(error instanceof RaftError)) this.#options.fail(error);
      // Refused because of load or a leadership transfer, which may be aborted; losing leadership closes the
      // session.
      else this.#retryFlush();
      return null;
    }
  }

  #flush(): void {
    if (this.#isRetryScheduled) return;
    this.#options.beforeCommands();
    if (this.#delaysBatch()) return;
    while (this.hasRoom) {
      const commands = this.#options.queue.takeBatch();
      if (commands === null && !this.#isAnnounceDue) return;
      if (!this.#propose(commands ?? [])) return;
    }
  }

  /** Returns whether the log accepted the commands. */
  #propose(commands: readonly Command[]): boolean {
    const batch = this.append(commands);
    if (batch === null) {
      this.#options.queue.requeue(commands);
      return false;
    }
    if (commands.length === 0) return true;
    this.#delay.onBatchLogged(commands.length, this.#options.now());
    this.#options.onLogged(batch, commands);
    return true;
  }

  #delaysBatch(): boolean {
    const delayMs = this.#delay.remainingMs(this.#options.queue.queued, this.#options.now());
    if (delayMs === 0) return false;
    if (this.#isDelayScheduled) return true;
    this.#isDelayScheduled = true;
    this.#after(Math.ceil(delayMs), () => {
      this.#isDelayScheduled = false;
      this.flushSoon();
    });
    return true;
  }

  #retryFlush(): void {
    this.#isRetryScheduled = true;
    this.flushLater(() => (this.#isRetryScheduled = false));
  }

  /** These timers are not cancelled: they are short, and do nothing if they fire after `stop`. */
  #after(ms: number, callback: () => void): void {
    setTimeout(() => {
      if (!this.#isStopped) callback();
    }, ms);
  }
}
