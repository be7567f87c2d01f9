/** Clients that ask again and again, often with keys that they used before, and remember all that they were told. */
import * as assert from 'uvu/assert';
import type { Command, SubmitResult } from '@trireme/domain';
import type { Answer, Desk } from '../desk.js';
import type { Random } from './random.js';

interface Attempt {
  readonly key: string;
  readonly command: Command;
  result: SubmitResult | null;
}

const KEYS = 80;
const LINKS = 3;

export class Clients {
  readonly attempts: Attempt[] = [];
  /** What any client was told, by key. */
  readonly told = new Map<string, readonly unknown[]>();
  readonly #random: Random;
  readonly #names: readonly string[];
  readonly #bodies = new Map<string, Command>();

  constructor(random: Random, names: readonly string[]) {
    this.#random = random;
    this.#names = names;
  }

  get pendingAnswers(): number {
    return this.attempts.filter(({ result }) => result === null).length;
  }

  /** A client asks; often with an old key, and rarely with another body. */
  submit(desk: Desk): void {
    const key = `key-${this.#random.below(KEYS)}`;
    const usual = this.#bodies.get(key) ?? this.#command(key);
    this.#bodies.set(key, usual);
    const command = this.#random.chance(0.03) ? this.#command(key) : usual;
    const id = this.attempts.push({ key, command, result: null }) - 1;
    const answer = desk.submit(command, { link: this.#random.below(LINKS), id });
    if (answer !== null) this.answered([answer]);
  }

  #command(key: string): Command {
    const name = this.#random.pick(this.#names) ?? 'A';
    const dice = this.#random.next();
    if (dice < 0.05) return { kind: 'list', key, name: 'LISTED', price: 1 + this.#random.below(9) };
    const quantity = 1 + this.#random.below(9);
    if (dice < 0.15) return { kind: 'restock', key, name, quantity };
    return { kind: dice < 0.6 ? 'buy' : 'sell', key, name, quantity };
  }

  answered(answers: readonly Answer[]): void {
    for (const { result } of answers) {
      const [id, ...verdict] = result;
      const attempt = this.attempts[id];
      assert.ok(attempt);
      assert.is(attempt.result, null, 'one attempt is answered once');
      attempt.result = result;
      if (verdict[0] === 'refused' || verdict[0] === 'lost' || verdict[0] === 'keyReused') continue;
      const before = this.told.get(attempt.key) ?? verdict;
      assert.equal(verdict, before, `key ${attempt.key} was told two things`);
      this.told.set(attempt.key, verdict);
    }
  }
}
