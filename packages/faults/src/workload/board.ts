/** What the clients of a run know of each other: orders to read back, and keys to send once more. */
import type { CreateInput } from '../rules/history.js';

/** Numbers and keys remembered; older ones give way. */
const REMEMBERED_MAX = 2_000;
const RECENT_KEYS_MAX = 16;

/** Orders whose keys are kept from the whole run. */
const OLD_KEYS_MAX = 400;

export class Board {
  readonly #numbers: number[] = [];
  readonly #recentKeys: CreateInput[] = [];
  readonly #oldKeys: CreateInput[] = [];
  #keys = 0;
  #everyNth = 1;
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
    if (this.#keys % this.#everyNth === 0) this.#oldKeys.push(input);
    this.#keys += 1;
    if (this.#oldKeys.length > OLD_KEYS_MAX) this.#thinOut();
  }

  /** Keeps every second one, so that what is kept stays spread over the whole run. */
  #thinOut(): void {
    this.#everyNth *= 2;
    const kept = this.#oldKeys.filter((_, i) => i % 2 === 0);
    this.#oldKeys.splice(0, this.#oldKeys.length, ...kept);
  }

  /** Orders sent last, many of them still under way. */
  get recentKeys(): readonly CreateInput[] {
    return this.#recentKeys;
  }

  /** Orders from the whole run so far, spread evenly. */
  get oldKeys(): readonly CreateInput[] {
    return this.#oldKeys;
  }
}
