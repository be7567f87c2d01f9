/**
 * The two times of a log entry. No single wall clock determines either of them.
 *
 * `age` determines when keys expire. A leader continues from the age of the last entry in its log, by its
 * monotonic clock. Time without a leader, and time after a leader's last entry, is not counted, so a key may
 * live longer than its lifetime but never shorter; the number of keys is bounded by what the group can log
 * while it is led for that long. Assumption: monotonic clocks run fast by less than the margin in
 * `KEY_LIFETIME_MS`.
 *
 * `time` is the time that clients see. It follows the median of the wall clocks of the leader and of the
 * other voters that it receives clock messages from, each at most a second old. Assumption: fewer than half
 * of these clocks are ahead. Then `time` is never ahead of a correct clock, whichever replica leads. If the
 * median is behind `time`, because of the set of known clocks or an earlier wrong clock, `time` advances at
 * half speed until they meet.
 */
import { ORDER_TIME_MS_MAX } from '@trireme/domain';

/** The times of a log entry, in whole milliseconds. */
export interface LogTimes {
  readonly age: number;
  /** Since 1970. */
  readonly time: number;
}

/** Minimum speed of `time` relative to the leader's monotonic clock. */
const SPEED_MIN = 0.5;

/** Created by each leader once it has applied all entries of earlier leaders. */
export class LogClock {
  readonly #startedAt: number;
  readonly #startAge: number;
  #lastAt: number;
  #time: number;

  /**
   * @param last times of the last entry in the log; zeros if there is none
   * @param now monotonic milliseconds
   */
  constructor({ age, time }: LogTimes, now: number) {
    this.#startedAt = now;
    this.#startAge = age;
    this.#lastAt = now;
    this.#time = time;
  }

  /**
   * Times for the next entry: integers within the bounds of a batch, and not below those of the previous entry.
   * @param now monotonic milliseconds
   * @param wall milliseconds since 1970 by the members' clocks; any number, even outside the range of dates
   */
  next(now: number, wall: number): LogTimes {
    const slowest = this.#time + (now - this.#lastAt) * SPEED_MIN;
    this.#lastAt = now;
    // Not `Math.max`, which would return NaN.
    this.#time = Math.min(wall > slowest ? wall : slowest, ORDER_TIME_MS_MAX);
    return {
      age: this.#startAge + Math.floor(now - this.#startedAt),
      time: Math.floor(this.#time),
    };
  }
}

/**
 * The wall clocks of the other members, relative to this member's monotonic clock, so that its own wall clock
 * may jump.
 */
export class MemberClocks {
  /** Lead of each wall clock over this member's monotonic clock, in milliseconds. */
  readonly #ahead = new Map<string, number>();
  #voters: ReadonlySet<string> = new Set();

  /**
   * A member reported its wall clock.
   * @param now monotonic milliseconds
   */
  onClock(member: string, wall: number, now: number): void {
    // Before the group is known all clocks are kept: a new leader needs the clocks that voters report with
    // their votes.
    const counts = this.#voters.size === 0 || this.#voters.has(member);
    if (counts && Number.isFinite(wall)) this.#ahead.set(member, wall - now);
  }

  /** From now on only the clocks of these voters count, which bounds the table by the size of the group. */
  setVoters(voters: readonly string[]): void {
    this.#voters = new Set(voters);
    for (const member of this.#ahead.keys()) if (!this.#voters.has(member)) this.#ahead.delete(member);
  }

  /** Lead of each wall clock over this member's wall clock, in milliseconds. */
  offsets(own: number, now: number): readonly (readonly [member: string, leadMs: number])[] {
    return [...this.#ahead].map(([member, ahead]) => [member, now + ahead - own] as const);
  }

  /**
   * The median of this member's wall clock and the known clocks of the other voters; of an even number the
   * lower of the two middle ones. So a majority of these clocks is at or ahead of it.
   * @param now monotonic milliseconds
   */
  median(own: number, now: number): number {
    const clocks = [own];
    for (const ahead of this.#ahead.values()) clocks.push(now + ahead);
    clocks.sort((a, b) => a - b);
    return clocks[(clocks.length - 1) >> 1] ?? own;
  }
}
