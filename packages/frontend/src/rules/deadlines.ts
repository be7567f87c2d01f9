/**
 * The time that a request may take, and with it the bound on how many may be open: all deadlines of one table run
 * equally long, so that the oldest is always the next to expire and no request needs a timer of its own.
 */
import { TransientMap } from '@trireme/domain';

/** One request's time. */
export class Deadline {
  /** When its time began and when it is over, in milliseconds on the clock that the table was opened with. */
  readonly openedAt: number;
  readonly at: number;
  #expired = false;
  #onExpire: (() => void) | null = null;
  #controller: AbortController | null = null;

  constructor(openedAt: number, at: number) {
    this.openedAt = openedAt;
    this.at = at;
  }

  get expired(): boolean {
    return this.#expired;
  }

  /** What the request waits for at the moment, to be told when the time is over; one at a time. */
  watch(onExpire: (() => void) | null): void {
    this.#onExpire = onExpire;
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#expired) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Ends the time; doing so twice does nothing. */
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
export class Deadlines {
  readonly #durationMs: number;
  readonly #sizeMax: number;
  /** In the order of opening, which is that of expiring. */
  readonly #open = new TransientMap<Deadline, Deadline>();

  /**
   * @param durationMs how long every request may take.
   * @param sizeMax open deadlines at most; at the bound `open` gives null.
   */
  constructor(durationMs: number, sizeMax: number) {
    this.#durationMs = durationMs;
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#open.size;
  }

  /** When the next deadline expires, or null while none is open. */
  get nextAt(): number | null {
    for (const [deadline] of this.#open) return deadline.at;
    return null;
  }

  /** Opens a deadline at time `now` (milliseconds, never falling), or gives null at the bound. */
  open(now: number): Deadline | null {
    if (this.#open.size >= this.#sizeMax) return null;
    const deadline = new Deadline(now, now + this.#durationMs);
    this.#open.set(deadline, deadline);
    return deadline;
  }

  /** Ends the watch over a request that was answered. */
  close(deadline: Deadline): void {
    deadline.watch(null);
    this.#open.delete(deadline);
  }

  /** Expires every deadline that is due at `now`. */
  expireDue(now: number): void {
    for (const [deadline] of this.#open) {
      if (deadline.at > now) return;
      this.#open.delete(deadline);
      deadline.expire();
    }
  }
}
