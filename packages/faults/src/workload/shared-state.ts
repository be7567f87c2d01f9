/** State that the clients of a run share: order numbers to read back, and idempotency keys to repeat. */
import type { CreateInput } from '../rules/history.js';

/** Maximum number of stored order numbers and recent keys; the oldest are dropped. */
const REMEMBERED_MAX = 2_000;
const RECENT_KEYS_MAX = 16;

/** Maximum number of stored keys from the whole run. */
const OLD_KEYS_MAX = 400;

export class SharedClientState {
  readonly #numbers: number[] = [];
  readonly #recentKeys: CreateInput[] = [];
  readonly #oldKeys: CreateInput[] = [];
  #keys = 0;
  #everyNth = 1;
  #acknowledged = 0;
  #numbersAdded = 0;

  /** Number of orders with an acknowledged outcome. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  countAcknowledged(): void {
    this.#acknowledged += 1;
  }

  addNumber(number: number): void {
    this.#numbers[this.#numbersAdded % REMEMBERED_MAX] = number;
    this.#numbersAdded += 1;
  }

  /** The last acknowledged order numbers, at most 2,000. */
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

  /** Drops every second key, so that the remaining keys stay spread over the whole run. */
  #thinOut(): void {
    this.#everyNth *= 2;
    const kept = this.#oldKeys.filter((_, i) => i % 2 === 0);
    this.#oldKeys.splice(0, this.#oldKeys.length, ...kept);
  }

  /** Orders sent last, many of them still in flight. */
  get recentKeys(): readonly CreateInput[] {
    return this.#recentKeys;
  }

  /** A sample of orders from the whole run, evenly spread. */
  get oldKeys(): readonly CreateInput[] {
    return this.#oldKeys;
  }
}
