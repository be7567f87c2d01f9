/**
 * The two times of a log entry, so that no replica's wall clock decides anything.
 *
 * `age` is what keys expire by. A leader begins with the age of the last entry of its log and adds its own monotonic time since
 * then. Time in which nobody leads, or a leader logs its last entry and ends, is not counted, so a key lives longer than its
 * lifetime, never shorter; the keys kept are at most those that the group can log while it is led for that long. Assumed:
 * monotonic clocks run too fast by less than the margin of `KEY_LIFETIME_MS`.
 *
 * `time` is for people. It follows the median of the wall clocks of the leader and of the other voters that it has heard
 * from, each as it was told at most a second ago. Assumed: fewer than half of these clocks are ahead. Then the time is never ahead of a right clock, whoever leads, so a
 * log never gets days ahead. Where the median is behind the log, because of the clocks that are known or because the log once got
 * ahead, time goes at half speed until the two meet.
 */
import { ORDER_TIME_MS_MAX } from '@trireme/domain';

/** The times of a log entry, in whole milliseconds. */
export interface LogTimes {
  readonly age: number;
  /** Since 1970. */
  readonly time: number;
}

/** How fast time goes at least, by the leader's monotonic clock. */
const SPEED_MIN = 0.5;

/** Made anew by each leader, once it has applied every entry of earlier leaders. */
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
   * Times for the next entry: whole, within the bounds of a batch, and not below those of the entry before.
   * @param now monotonic milliseconds
   * @param wall milliseconds since 1970 as the members' clocks have it; any number, also one that no date has
   */
  next(now: number, wall: number): LogTimes {
    const slowest = this.#time + (now - this.#lastAt) * SPEED_MIN;
    this.#lastAt = now;
    // Not `Math.max` alone: it would hand on NaN.
    this.#time = Math.min(wall > slowest ? wall : slowest, ORDER_TIME_MS_MAX);
    return {
      age: this.#startAge + Math.floor(now - this.#startedAt),
      time: Math.floor(this.#time),
    };
  }
}

/** The wall clocks of the other members, as they tell them. Kept against this member's monotonic clock, so that its own wall clock may jump. */
export class MemberClocks {
  /** How far each is ahead of this member's monotonic clock, in milliseconds. */
  readonly #ahead = new Map<string, number>();
  #voters: ReadonlySet<string> = new Set();

  /**
   * A member has told its wall clock.
   * @param now monotonic milliseconds
   */
  heard(member: string, wall: number, now: number): void {
    // Before the group is known everyone's is kept: votes may come that early, and a leader needs the clocks of its voters.
    const counts = this.#voters.size === 0 || this.#voters.has(member);
    if (counts && Number.isFinite(wall)) this.#ahead.set(member, wall - now);
  }

  /** From now on the clocks of these count and no others', so that the table is bounded by the group's size. */
  regrouped(voters: readonly string[]): void {
    this.#voters = new Set(voters);
    for (const member of this.#ahead.keys()) if (!this.#voters.has(member)) this.#ahead.delete(member);
  }

  /** How far each is ahead of this member's wall clock, in milliseconds. */
  leads(own: number, now: number): readonly (readonly [member: string, leadMs: number])[] {
    return [...this.#ahead].map(([member, ahead]) => [member, now + ahead - own] as const);
  }

  /**
   * The median of this member's wall clock and those of the other voters that have told theirs; of an even number the lower one of the
   * two in the middle. A majority of these clocks is at it or ahead of it.
   * @param now monotonic milliseconds
   */
  median(own: number, now: number): number {
    const clocks = [own];
    for (const ahead of this.#ahead.values()) clocks.push(now + ahead);
    clocks.sort((a, b) => a - b);
    return clocks[(clocks.length - 1) >> 1] ?? own;
  }
}
