/**
 * Requests to other processes that are not answered yet. A request is queued until a link accepts it, then
 * sent until that link answers or closes. The table records whether a request without an answer ever left
 * this process: the HTTP contract depends on it. Its size is bounded by `DeadlineTable`: each open client request
 * waits for at most one entry.
 */
import { TransientMap } from '@trireme/domain';

/** `unsent`: it never left this process. `unanswered`: it was sent, and its outcome is not known. */
export type CallFailure = 'unsent' | 'unanswered';

/** A caller that waits for an answer. */
export interface CallWaiter<Question, Answer extends object> {
  readonly call: PendingCall<Question, Answer>;
  readonly done: (end: Answer | CallFailure) => void;
}

/** A pending request. */
export interface PendingCall<Question, Answer extends object> {
  readonly id: number;
  readonly request: Question;
  /**
   * The callers that wait, in order; several if equal requests joined before this one was sent. An array is
   * faster than a set here, and the caller whose deadline expires is usually at its front.
   */
  readonly waiters: CallWaiter<Question, Answer>[];
  /** Id of the link that it was sent on, null while it is queued. */
  linkId: number | null;
}

export class CallTable<Question, Answer extends object> {
  readonly #queued = new TransientMap<number, PendingCall<Question, Answer>>();
  readonly #sent = new TransientMap<number, PendingCall<Question, Answer>>();
  /** Queued requests that later ones with the same text may join. */
  readonly #joinable = new TransientMap<string, PendingCall<Question, Answer>>();
  readonly #dedupeKeyOf: (question: Question) => string | null;
  readonly #nextId: () => number;
  #lastId = 0;

  /**
   * @param options.dedupeKeyOf requests with the same text are sent once if they are queued at the same time.
   *   A request that was already sent is never joined: its answer may have been computed before the later
   *   request began. Null, the default, joins nothing.
   * @param options.nextId source of increasing ids, for tables whose answers share frames; by default 1, 2, 3.
   */
  constructor(options: {
    readonly dedupeKeyOf?: (question: Question) => string | null;
    readonly nextId?: () => number;
  }) {
    this.#dedupeKeyOf = options.dedupeKeyOf ?? (() => null);
    this.#nextId = options.nextId ?? (() => this.#lastId + 1);
  }

  get queuedCount(): number {
    return this.#queued.size;
  }

  get sentCount(): number {
    return this.#sent.size;
  }

  /** Queues a request. `done` is called exactly once, with the answer or the reason for its absence. */
  add(question: Question, done: (end: Answer | CallFailure) => void): CallWaiter<Question, Answer> {
    const text = this.#dedupeKeyOf(question);
    let call = text === null ? undefined : this.#joinable.get(text);
    if (call === undefined) {
      this.#lastId = this.#nextId();
      call = { id: this.#lastId, request: question, waiters: [], linkId: null };
      this.#queued.set(call.id, call);
      if (text !== null) this.#joinable.set(text, call);
    }
    const waiter = { call, done };
    call.waiters.push(waiter);
    return waiter;
  }

  /** The oldest queued requests, at most `max`. They stay queued until `markSent`. */
  peek(max: number): PendingCall<Question, Answer>[] {
    const calls: PendingCall<Question, Answer>[] = [];
    for (const [, call] of this.#queued) {
      if (calls.length >= max) break;
      calls.push(call);
    }
    return calls;
  }

  /** These requests were sent on link `linkId`. */
  markSent(calls: readonly PendingCall<Question, Answer>[], linkId: number): void {
    for (const call of calls) {
      this.#removeJoinable(call);
      this.#queued.delete(call.id);
      call.linkId = linkId;
      this.#sent.set(call.id, call);
    }
  }

  /** Link `linkId` answered request `id`. An answer without a waiting caller is ignored. */
  onAnswer(linkId: number, id: number, answer: Answer): void {
    const call = this.#sent.get(id);
    if (call?.linkId !== linkId) return;
    this.#sent.delete(id);
    finish(call, answer);
  }

  /**
   * Link `linkId` will not answer any more: it closed, or its process no longer leads.
   * @param end result passed to the callers that wait.
   */
  failSent(linkId: number, end: Answer | CallFailure = 'unanswered'): void {
    for (const [id, call] of this.#sent) {
      if (call.linkId !== linkId) continue;
      this.#sent.delete(id);
      finish(call, end);
    }
  }

  /** Removes every request that has not been sent; their callers get `unsent`. */
  failQueued(): void {
    for (const [id, call] of this.#queued) {
      this.#queued.delete(id);
      this.#removeJoinable(call);
      finish(call, 'unsent');
    }
  }

  /** As `abandon`, for all links except `linkId`. */
  failSentOnOthers(linkId: number): void {
    const others = new Set<number>();
    for (const [, call] of this.#sent) {
      if (call.linkId !== null && call.linkId !== linkId) others.add(call.linkId);
    }
    for (const other of others) this.failSent(other);
  }

  /** The deadline of a caller expired. A request without callers is removed. */
  expire(waiter: CallWaiter<Question, Answer>): void {
    const { call: call } = waiter;
    const at = call.waiters.indexOf(waiter);
    if (at === -1) return;
    call.waiters.splice(at, 1);
    if (call.waiters.length === 0) {
      this.#removeJoinable(call);
      this.#queued.delete(call.id);
      this.#sent.delete(call.id);
    }
    waiter.done(call.linkId === null ? 'unsent' : 'unanswered');
  }

  #removeJoinable(call: PendingCall<Question, Answer>): void {
    const text = this.#dedupeKeyOf(call.request);
    if (text !== null && this.#joinable.get(text) === call) this.#joinable.delete(text);
  }
}

/**
 * Removes and calls the waiting callers one by one: each is called once, even if a callback changes the
 * table.
 */
function finish<Question, Answer extends object>(
  call: PendingCall<Question, Answer>,
  end: Answer | CallFailure,
): void {
  for (let next = call.waiters.shift(); next !== undefined; next = call.waiters.shift()) next.done(end);
}
