/**
 * Sends what was asked in one turn of the event loop together: everything that arrived while the loop read its sockets
 * leaves in as few frames as it fits in, without a timer and so without waiting for more.
 */
import { FRAME_ITEMS_MAX } from '@trireme/domain';
import { workAtTurnEnd, type Link } from '@trireme/service';
import { CallTable, type Ask, type NoAnswer } from './rules/call-table.js';
import type { Deadline } from './rules/deadlines.js';

interface RpcClientOptions<Question, Answer extends object> {
  /** Where the next frame goes, or null while there is nowhere. */
  readonly route: () => Link | null;
  /** Writes the questions to the link; false if the link did not take them. */
  readonly send: (link: Link, asks: readonly Ask<Question, Answer>[]) => boolean;
  /** See `CallTable`. */
  readonly joinTextOf?: (question: Question) => string | null;
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

  /** Questions that wait for a link, and that wait for an answer. */
  get counts(): { readonly queued: number; readonly sent: number } {
    return { queued: this.#table.queuedCount, sent: this.#table.sentCount };
  }

  /** Questions that wait, for a link or for an answer. */
  get size(): number {
    return this.#table.queuedCount + this.#table.sentCount;
  }

  /** Asks once; resolves with the answer, or with why there is none, by the deadline at the latest. */
  async ask(question: Question, deadline: Deadline): Promise<Answer | NoAnswer> {
    return new Promise((resolve) => this.askThen(question, deadline, resolve));
  }

  /** As `ask`, without a promise: `done` is called once, and must not throw. */
  askThen(question: Question, deadline: Deadline, done: (end: Answer | NoAnswer) => void): void {
    if (deadline.expired) {
      done('unsent');
      return;
    }
    const waiter = this.#table.ask(question, (end) => {
      deadline.watch(null);
      done(end);
    });
    deadline.watch(() => this.#table.giveUp(waiter));
    this.wake();
  }

  /** There may be somewhere to send to now: queued questions go at the end of this turn. */
  wake(): void {
    if (this.#scheduled || this.#table.queuedCount === 0) return;
    this.#scheduled = true;
    workAtTurnEnd(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  answered(link: Link, id: number, answer: Answer): void {
    this.#table.answer(link.id, id, answer);
  }

  /** The link will not answer any more. @param end what those who wait are told, `unanswered` unless given. */
  abandon(link: Link, end?: Answer): void {
    this.#table.abandon(link.id, end);
  }

  /** There is nowhere to send to: those whose question is queued are told `unsent`. */
  dropQueued(): void {
    this.#table.dropQueued();
  }

  /** No link but this one will answer any more. */
  abandonOthers(link: Link): void {
    this.#table.abandonOthers(link.id);
  }

  #flush(): void {
    while (this.#table.queuedCount > 0) {
      const link = this.#options.route();
      if (link === null) return;
      const asks = this.#table.peek(FRAME_ITEMS_MAX);
      // A link that takes nothing has closed and is no longer routed to once its handler was told, which wakes this.
      if (!this.#options.send(link, asks)) return;
      this.#table.markSent(asks, link.id);
    }
  }
}
