/** Keeps what others can cause at will from flooding the log: each kind of line once in a while, with a count. */

/** Kinds that are kept apart at most; further ones share one. */
const KINDS_MAX = 64;

interface Kind {
  toldAt: number;
  untold: number;
}

export class Throttle {
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, Kind>();

  /** @param intervalMs between two lines of one kind at least. */
  constructor(intervalMs = 1_000) {
    this.#intervalMs = intervalMs;
  }

  /**
   * Whether a line of this kind is due at `now` (milliseconds, never falling).
   * @returns how many were left out since the last one, or null if this one is to be left out too.
   */
  due(kind: string, now: number): number | null {
    const name = this.#kinds.has(kind) || this.#kinds.size < KINDS_MAX ? kind : '';
    const known = this.#kinds.get(name);
    if (known === undefined) {
      this.#kinds.set(name, { toldAt: now, untold: 0 });
      return 0;
    }
    if (now - known.toldAt < this.#intervalMs) {
      known.untold += 1;
      return null;
    }
    const { untold } = known;
    known.toldAt = now;
    known.untold = 0;
    return untold;
  }
}
