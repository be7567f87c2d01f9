/**
 * Deadlines of requests, with a bound on the number of open requests. All deadlines of a table have the same
 * duration, so the oldest is always the next to expire and no request needs its own timer.
 */
import { TransientMap } from '@trireme/domain';

/** The deadline of one request. */
export class Deadline {
  /** When the request began, in milliseconds on the clock of `DeadlineTable.open`. */
  readonly openedAt: number;
  /** When it expires, on the same clock. */
  readonly expiresAt: number;
  #expired = false;
  #onExpire: (() => void) | null = null;
  #controller: AbortController | null = null;

  constructor(openedAt: number, at: number) {
    this.openedAt = openedAt;
    this.expiresAt = at;
  }

  get isExpired(): boolean {
    return this.#expired;
  }

  /** Sets the callback for the expiry, null for none. A request waits for one thing at a time. */
  setOnExpire(onExpire: (() => void) | null): void {
    this.#onExpire = onExpire;
  }

  /** Aborted when the deadline expires. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#expired) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Expires the deadline; a repeated call does nothing. */
  expire(): void {
    if (this.#expired) return;
    this.#expired = true;
    const onExpire = this.#onExpire;
    this.#onExpire = null;
    onExpire?.();
    this.#controller?.abort();
  }
}

/** The deadlines of all open requests. */
export class DeadlineTable {
  readonly #durationMs: number;
  readonly #sizeMax: number;
  /** In the order of opening, which is also the order of expiry. */
  readonly #open = new TransientMap<Deadline, Deadline>();

  /**
   * @param durationMs time limit of every request, in milliseconds.
   * @param sizeMax maximum number of open deadlines; at the bound `open` returns null.
   */
  constructor(durationMs: number, sizeMax: number) {
    this.#durationMs = durationMs;
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#open.size;
  }

  /** When the next deadline expires, or null while none is open. */
  get nextExpiry(): number | null {
    for (const [deadline] of this.#open) return deadline.expiresAt;
    return null;
  }

  /** Opens a deadline at time `now` (milliseconds, monotonic). @returns null at the bound. */
  open(now: number): Deadline | null {
    if (this.#open.size >= this.#sizeMax) return null;
    const deadline = new Deadline(now, now + this.#durationMs);
    this.#open.set(deadline, deadline);
    return deadline;
  }

  /** Closes the deadline of a request that was answered: it will not expire. */
  close(deadline: Deadline): void {
    deadline.setOnExpire(null);
    this.#open.delete(deadline);
  }

  /** Expires every deadline that is due at `now`. */
  expireDue(now: number): void {
    for (const [deadline] of this.#open) {
      if (deadline.expiresAt > now) return;
      this.#open.delete(deadline);
      deadline.expire();
    }
  }
}
