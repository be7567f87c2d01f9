/**
 * What is committed, and what leaders were told of it: the log and the book of the catalog's model. It holds every outcome
 * against what was told of that index before, in any life of the catalog, and knows the value of a stock at each version.
 */
import * as assert from 'uvu/assert';
import {
  KIND_CODES,
  type Command,
  type EffectWire,
  type LeaderToCatalog,
  type OutcomeWire,
  type Stock,
} from '@trireme/domain';
import { decideFrame } from './frames.js';

interface Batch {
  readonly index: number;
  readonly commands: readonly Command[];
  /** What was told of it; null before. */
  told: readonly OutcomeWire[] | null;
}

type Value = readonly [price: number, quantity: number];

/** Batches that are answered and not in the book yet; a leader settles a while after it was answered. */
const UNSETTLED = 2;

export class TradeLog {
  readonly #batches: Batch[] = [];
  #answered = 0;
  /** Batches that the book has; settling does not go back. */
  #inBook = 0;
  /** Batches whose values are known: all before them were told. */
  #valued = 0;
  readonly #latest = new Map<string, Value>();
  /** By `name@version`. */
  readonly #values = new Map<string, Value>();

  constructor(stocks: readonly Stock[]) {
    for (const { name, price, quantity } of stocks) {
      this.#latest.set(name, [price, quantity]);
      this.see(name, 0, [price, quantity]);
    }
  }

  get lastIndex(): number {
    return indexOf(this.#batches.length);
  }

  get lastAnswered(): number {
    return indexOf(this.#answered);
  }

  /** Everything up to here is in the book. */
  get settled(): number {
    return indexOf(this.#inBook);
  }

  get answered(): number {
    return this.#answered;
  }

  get waiting(): number {
    return this.#batches.length - this.#answered;
  }

  answeredBehind(index: number): number {
    return this.#batches.filter((batch) => batch.told !== null && batch.index > index).length;
  }

  /** Commits the next batch. Returns how a leader asks for it. */
  commit(commands: readonly Command[]): LeaderToCatalog {
    const batch = { index: this.lastIndex + indexOf(1), commands, told: null };
    this.#batches.push(batch);
    return this.#frame(batch, this.settled);
  }

  /** How a leader asks for every batch behind `settled`, up to which its book goes. */
  frames(settled: number): readonly LeaderToCatalog[] {
    return this.#batches.filter(({ index }) => index > settled).map((batch) => this.#frame(batch, settled));
  }

  /** What a catalog that stands at `index` is told from the book, a few batches a frame. */
  replays(index: number): readonly LeaderToCatalog[] {
    const frames: LeaderToCatalog[] = [];
    const lacking = this.#batches.slice(0, this.#inBook).filter((batch) => batch.index > index);
    for (let prev = index; lacking.length > 0;) {
      const some = lacking.splice(0, 3);
      const last = some.at(-1)?.index ?? prev;
      frames.push({ t: 'replay', prev, index: last, effects: some.flatMap(effectsOf) });
      prev = last;
    }
    return frames;
  }

  /** The leader was told the outcomes of `index`. Returns the stocks that they change. */
  answer(index: number, outcomes: readonly OutcomeWire[]): readonly string[] {
    if (index > this.lastAnswered) {
      assert.is(index, this.lastAnswered + indexOf(1), 'answered in order');
      this.#answered += 1;
      this.#inBook = Math.max(this.#inBook, this.#answered - UNSETTLED);
    }
    return this.hear(index, outcomes);
  }

  /** Any leader was told them, and may have told a client. */
  hear(index: number, outcomes: readonly OutcomeWire[]): readonly string[] {
    const batch = this.#batches.find((other) => other.index === index);
    assert.ok(batch, `${index} was asked`);
    assert.equal(outcomes, batch.told ?? outcomes, `${index} is decided again, and the same`);
    batch.told = outcomes;
    for (;;) {
      const next = this.#batches[this.#valued];
      if (next === undefined || next.told === null) break;
      this.#valued += 1;
      this.#value(effectsOf(next));
    }
    return effectsOf(batch).map(([, , name]) => name);
  }

  /** A reader got a stock like this; whatever else is seen or told of that version must agree. */
  see(name: string, version: number, value: Value): void {
    const key = `${name}@${version}`;
    assert.equal(value, this.#values.get(key) ?? value, `${key} has one price and quantity`);
    this.#values.set(key, value);
  }

  #frame({ index, commands }: Batch, settled: number): LeaderToCatalog {
    return decideFrame(index, index - indexOf(1), commands, { settled });
  }

  #value(effects: readonly EffectWire[]): void {
    for (const [, kind, name, amount] of effects) {
      const [price, quantity] = this.#latest.get(name) ?? [0, 0];
      if (kind === KIND_CODES.list) this.#latest.set(name, [amount, quantity]);
      else this.#latest.set(name, [price, quantity + (kind === KIND_CODES.buy ? -amount : amount)]);
    }
    // A batch may change a stock more than once: only the last of it is ever seen.
    for (const [index, , name] of effects) this.see(name, index, this.#latest.get(name) ?? [0, 0]);
  }
}

/** Log index of the batch at a position from 1. Indexes have holes: entries without commands. */
function indexOf(position: number): number {
  return 2 * position;
}

function effectsOf({ index, commands, told }: Batch): readonly EffectWire[] {
  return commands.flatMap((command, position): EffectWire[] => {
    const outcome = told?.[position] ?? null;
    if (outcome === null || outcome < 0) return [];
    const amount = command.kind === 'list' ? command.price : command.quantity;
    return [[index, KIND_CODES[command.kind], command.name, amount]];
  });
}
