/** Clients that ask again and again, often with keys that they used before, and remember all that they were told. */
import * as assert from 'uvu/assert';
import type { Command, SubmitResult } from '@trireme/domain';
import type { Answer, CommandQueue } from '../command-queue.js';
import type { Random } from './random.js';

interface Attempt {
  readonly key: string;
  readonly command: Command;
  readonly queue: CommandQueue;
  readonly link: number;
  result: SubmitResult | null;
  /** Its link was closed before it was answered. */
  isGone: boolean;
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
    return this.attempts.filter(({ result, isGone }) => result === null && !isGone).length;
  }

  /** A client asks; often with an old key, and rarely with another body. Returns the answer if there is one at once. */
  submit(queue: CommandQueue): Answer | null {
    const key = `key-${this.#random.below(KEYS)}`;
    const usual = this.#bodies.get(key) ?? this.#command(key);
    this.#bodies.set(key, usual);
    const command = this.#random.chance(0.03) ? this.#command(key) : usual;
    const link = this.#random.below(LINKS);
    const id = this.attempts.push({ key, command, queue, link, result: null, isGone: false }) - 1;
    return queue.submit(command, { link, id });
  }

  /** A link of a front-end to a leader is closed: whoever waits there hears no more. */
  leave(queue: CommandQueue): void {
    const link = this.#random.below(LINKS);
    queue.forget(link);
    for (const attempt of this.attempts)
      if (attempt.queue === queue && attempt.link === link && attempt.result === null) attempt.isGone = true;
  }

  #command(key: string): Command {
    const name = this.#random.pick(this.#names) ?? 'A';
    const dice = this.#random.next();
    if (dice < 0.05) return { kind: 'list', key, name: 'LISTED', price: 1 + this.#random.below(9) };
    const quantity = 1 + this.#random.below(9);
    if (dice < 0.15) return { kind: 'restock', key, name, quantity };
    return { kind: dice < 0.6 ? 'buy' : 'sell', key, name, quantity };
  }

  /** @param tell called with each outcome that a client is told */
  answered(answers: readonly Answer[], tell: (key: string, verdict: readonly unknown[]) => void): void {
    for (const { link, result } of answers) {
      const [id, ...verdict] = result;
      const attempt = this.attempts[id];
      assert.ok(attempt);
      assert.is(attempt.result, null, 'one attempt is answered once');
      assert.equal([attempt.link, attempt.isGone], [link, false], 'on the link that it came over');
      attempt.result = result;
      if (verdict[0] === 'refused' || verdict[0] === 'lost' || verdict[0] === 'keyReused') continue;
      const before = this.told.get(attempt.key) ?? verdict;
      assert.equal(verdict, before, `key ${attempt.key} was told two things`);
      this.told.set(attempt.key, verdict);
      tell(attempt.key, verdict);
    }
  }
}
