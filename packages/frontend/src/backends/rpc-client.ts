/**
 * Batches the requests of one turn of the event loop: they are sent at its end in as few frames as possible.
 * There is no timer, so no request waits for more to arrive.
 */
import { FRAME_ITEMS_MAX } from '@trireme/domain';
import { deferWork, type Link } from '@trireme/service';
import { CallTable, type PendingCall, type CallFailure } from '../rules/call-table.js';
import type { Deadline } from '../rules/deadlines.js';

interface RpcClientOptions<Question, Answer extends object> {
  /** The link for the next frame, or null while there is none. */
  readonly route: () => Link | null;
  /** Writes the requests to the link; false if the link did not accept them. */
  readonly send: (link: Link, calls: readonly PendingCall<Question, Answer>[]) => boolean;
  /** See `CallTable`. */
  readonly dedupeKeyOf?: (question: Question) => string | null;
  /** See `CallTable`. */
  readonly nextId?: () => number;
}

export class RpcClient<Question, Answer extends object> {
  readonly #options: RpcClientOptions<Question, Answer>;
  readonly #table: CallTable<Question, Answer>;
  #scheduled = false;

  constructor(options: RpcClientOptions<Question, Answer>) {
    this.#options = options;
    this.#table = new CallTable(options);
  }

  /** Numbers of requests that are queued, and that are sent and not answered yet. */
  get counts(): { readonly queued: number; readonly sent: number } {
    return { queued: this.#table.queuedCount, sent: this.#table.sentCount };
  }

  /** Number of requests that are queued, or sent and not answered yet. */
  get size(): number {
    return this.#table.queuedCount + this.#table.sentCount;
  }

  /**
   * Sends one request. Resolves with the answer, or with the reason for its absence, by the deadline at the
   * latest.
   */
  async call(question: Question, deadline: Deadline): Promise<Answer | CallFailure> {
    if (deadline.isExpired) return 'unsent';
    return new Promise((resolve) => {
      const waiter = this.#table.add(question, (end) => {
        deadline.setOnExpire(null);
        resolve(end);
      });
      deadline.setOnExpire(() => this.#table.expire(waiter));
      this.scheduleFlush();
    });
  }

  /** A link may be available now: schedules queued requests for the end of this turn. */
  scheduleFlush(): void {
    if (this.#scheduled || this.#table.queuedCount === 0) return;
    this.#scheduled = true;
    deferWork(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  onAnswer(link: Link, id: number, answer: Answer): void {
    this.#table.onAnswer(link.id, id, answer);
  }

  /** The link will not answer any more. @param end result of its open requests, `unanswered` by default. */
  onLinkLost(link: Link, end?: Answer): void {
    this.#table.failSent(link.id, end);
  }

  /** There is no link: ends all queued requests with `unsent`. */
  failQueued(): void {
    this.#table.failQueued();
  }

  /** Only this link will still answer: ends the open requests of all others with `unanswered`. */
  onLeaderLink(link: Link): void {
    this.#table.failSentOnOthers(link.id);
  }

  #flush(): void {
    while (this.#table.queuedCount > 0) {
      const link = this.#options.route();
      if (link === null) return;
      const calls = this.#table.peek(FRAME_ITEMS_MAX);
      // A link that accepts nothing has closed. Its handler will be notified, change the route and call `scheduleFlush`.
      if (!this.#options.send(link, calls)) return;
      this.#table.markSent(calls, link.id);
    }
  }
}
