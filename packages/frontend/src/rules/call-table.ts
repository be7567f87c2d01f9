/**
 * What was asked of other processes and is not answered yet. A question is queued until a link takes it, then sent
 * until that link answers or closes. The table keeps the one distinction that the HTTP contract hangs on: whether a
 * question that got no answer ever left this process. It is bounded by its users: each open request waits for at most
 * one question, and the number of open requests is bounded by `Deadlines`.
 */
import { TransientMap } from '@trireme/domain';

/** `unsent` surely never left this process; `unanswered` did, and what became of it is not known. */
export type NoAnswer = 'unsent' | 'unanswered';

/** One who waits for an answer. */
export interface Waiter<Question, Answer extends object> {
  readonly ask: Ask<Question, Answer>;
  readonly done: (end: Answer | NoAnswer) => void;
}

/** One question. */
export interface Ask<Question, Answer extends object> {
  readonly id: number;
  readonly question: Question;
  /**
   * Those who wait, in order; more than one where equal questions joined before it was sent. An array, as there is one for
   * each order, and a set took one to two microseconds more; who runs out of time is mostly found at its front.
   */
  readonly waiters: Waiter<Question, Answer>[];
  /** The link that it was sent on, null while it is queued. */
  linkId: number | null;
}

export class CallTable<Question, Answer extends object> {
  readonly #queued = new TransientMap<number, Ask<Question, Answer>>();
  readonly #sent = new TransientMap<number, Ask<Question, Answer>>();
  /** Queued questions that others with the same text may join. */
  readonly #joinable = new TransientMap<string, Ask<Question, Answer>>();
  readonly #joinTextOf: (question: Question) => string | null;
  readonly #nextId: () => number;
  #lastId = 0;

  /**
   * @param options.joinTextOf questions with the same text are sent once if they are queued at the same time. Never
   *   after one was sent: its answer may have been computed before the later question began. Null, and the default,
   *   joins nothing.
   * @param options.nextId source of rising ids, for tables that share the answers of a link; else 1, 2, 3.
   */
  constructor(options: {
    readonly joinTextOf?: (question: Question) => string | null;
    readonly nextId?: () => number;
  }) {
    this.#joinTextOf = options.joinTextOf ?? (() => null);
    this.#nextId = options.nextId ?? (() => this.#lastId + 1);
  }

  get queuedCount(): number {
    return this.#queued.size;
  }

  get sentCount(): number {
    return this.#sent.size;
  }

  /** Queues a question; `done` is called exactly once, with the answer or why there is none. */
  ask(question: Question, done: (end: Answer | NoAnswer) => void): Waiter<Question, Answer> {
    const text = this.#joinTextOf(question);
    let ask = text === null ? undefined : this.#joinable.get(text);
    if (ask === undefined) {
      this.#lastId = this.#nextId();
      ask = { id: this.#lastId, question, waiters: [], linkId: null };
      this.#queued.set(ask.id, ask);
      if (text !== null) this.#joinable.set(text, ask);
    }
    const waiter = { ask, done };
    ask.waiters.push(waiter);
    return waiter;
  }

  /** The oldest queued questions, at most `max`; they stay queued until `markSent`. */
  peek(max: number): Ask<Question, Answer>[] {
    const asks: Ask<Question, Answer>[] = [];
    for (const [, ask] of this.#queued) {
      if (asks.length >= max) break;
      asks.push(ask);
    }
    return asks;
  }

  /** These questions left on link `linkId`. */
  markSent(asks: readonly Ask<Question, Answer>[], linkId: number): void {
    for (const ask of asks) {
      this.#unjoin(ask);
      this.#queued.delete(ask.id);
      ask.linkId = linkId;
      this.#sent.set(ask.id, ask);
    }
  }

  /** Link `linkId` answered question `id`. An answer that nobody waits for any more is ignored. */
  answer(linkId: number, id: number, answer: Answer): void {
    const ask = this.#sent.get(id);
    if (ask?.linkId !== linkId) return;
    this.#sent.delete(id);
    tell(ask, answer);
  }

  /**
   * Link `linkId` will not answer any more: it closed, or its process no longer leads.
   * @param end what those who wait are told
   */
  abandon(linkId: number, end: Answer | NoAnswer = 'unanswered'): void {
    for (const [id, ask] of this.#sent) {
      if (ask.linkId !== linkId) continue;
      this.#sent.delete(id);
      tell(ask, end);
    }
  }

  /** Forgets every question that has not been sent: those who wait are told `unsent`. */
  dropQueued(): void {
    for (const [id, ask] of this.#queued) {
      this.#queued.delete(id);
      this.#unjoin(ask);
      tell(ask, 'unsent');
    }
  }

  /** As `abandon`, for all links but `linkId`. */
  abandonOthers(linkId: number): void {
    const others = new Set<number>();
    for (const [, ask] of this.#sent) {
      if (ask.linkId !== null && ask.linkId !== linkId) others.add(ask.linkId);
    }
    for (const other of others) this.abandon(other);
  }

  /** One who waited has no time left; a question that nobody waits for is forgotten. */
  giveUp(waiter: Waiter<Question, Answer>): void {
    const { ask } = waiter;
    const at = ask.waiters.indexOf(waiter);
    if (at === -1) return;
    ask.waiters.splice(at, 1);
    if (ask.waiters.length === 0) {
      this.#unjoin(ask);
      this.#queued.delete(ask.id);
      this.#sent.delete(ask.id);
    }
    waiter.done(ask.linkId === null ? 'unsent' : 'unanswered');
  }

  #unjoin(ask: Ask<Question, Answer>): void {
    const text = this.#joinTextOf(ask.question);
    if (text !== null && this.#joinable.get(text) === ask) this.#joinable.delete(text);
  }
}

/** Everyone who still waits for it gets the end, and does not wait any more: each is told once, whatever that leads to. */
function tell<Question, Answer extends object>(ask: Ask<Question, Answer>, end: Answer | NoAnswer): void {
  for (let next = ask.waiters.shift(); next !== undefined; next = ask.waiters.shift()) next.done(end);
}
