/** What the clients of a run know of each other: orders to read back, and keys to send once more. */
import type { CreateInput } from '../rules/history.js';

/** Numbers and keys remembered; older ones give way. */
const REMEMBERED_MAX = 2_000;
const RECENT_KEYS_MAX = 16;

export class Board {
  readonly #numbers: number[] = [];
  readonly #recentKeys: CreateInput[] = [];
  #acknowledged = 0;
  #told = 0;

  /** Orders that got an outcome so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  countAcknowledged(): void {
    this.#acknowledged += 1;
  }

  addNumber(number: number): void {
    this.#numbers[this.#told % REMEMBERED_MAX] = number;
    this.#told += 1;
  }

  /** Numbers that somebody was told, at most 2,000 of them. */
  get numbers(): readonly number[] {
    return this.#numbers;
  }

  addKey(input: CreateInput): void {
    this.#recentKeys.push(input);
    if (this.#recentKeys.length > RECENT_KEYS_MAX) this.#recentKeys.shift();
  }

  /** Orders sent last, many of them still under way. */
  get recentKeys(): readonly CreateInput[] {
    return this.#recentKeys;
  }
}
