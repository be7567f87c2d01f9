/**
 * The catalog's side of the leader's protocol in its shortest form: what it must do, without leases or rounds. It answers before
 * its disk has what it decided; a crash takes it back to what it saved last.
 */
import {
  commandFromWire,
  decodeBatch,
  outcomeToWire,
  type CatalogToLeader,
  type Command,
  type LeaderToCatalog,
  type Outcome,
  type OutcomeWire,
} from '@trireme/domain';

interface State {
  readonly lastIndex: number;
  readonly stocks: ReadonlyMap<string, { readonly price: number; readonly quantity: number }>;
  readonly outcomes: ReadonlyMap<number, readonly OutcomeWire[]>;
}

export class ReferenceCatalog {
  readonly #seed: State;
  #state: State;
  #saved: State;

  constructor(seed: Readonly<Record<string, number>>) {
    const stocks = Object.entries(seed).map(
      ([name, quantity]) => [name, { price: 1000 + name.length, quantity }] as const,
    );
    this.#seed = { lastIndex: 0, stocks: new Map(stocks), outcomes: new Map() };
    this.#state = this.#seed;
    this.#saved = this.#seed;
  }

  get lastIndex(): number {
    return this.#state.lastIndex;
  }

  quantity(name: string): number {
    return this.#state.stocks.get(name)?.quantity ?? 0;
  }

  /** Everything that was decided comes to the disk. */
  save(): void {
    this.#saved = this.#state;
  }

  /** What is on its disk. */
  copy(): State {
    return this.#saved;
  }

  /** Starts again on its disk. */
  crash(): void {
    this.#state = this.#saved;
  }

  /** Starts again on a copy; on the seed file where it has none. */
  restore(copy: State | null): void {
    this.#saved = copy ?? this.#seed;
    this.crash();
  }

  /** @returns the answer; null for `attach`, which has none */
  handle(frame: LeaderToCatalog): CatalogToLeader | null {
    const { lastIndex, stocks, outcomes } = this.#state;
    switch (frame.t) {
      case 'begin':
        return { t: 'standing', lastIndex };
      case 'attach':
        return null;
      case 'replay': {
        if (frame.prev !== lastIndex) return { t: 'refused', why: 'gap', lastIndex };
        const draft = new Map(stocks);
        for (const [, kind, name, amount] of frame.effects) {
          const outcome = decideOne(draft, commandFromWire([kind, 'replayed', name, amount]));
          if (outcome.kind === 'rejected') throw new Error(`the book has an impossible effect on ${name}`);
        }
        this.#state = { lastIndex: frame.index, stocks: draft, outcomes };
        return { t: 'replayed', lastIndex: frame.index };
      }
      case 'decide': {
        const { index, prev, settled, skip } = frame;
        const recorded = outcomes.get(index);
        if (recorded !== undefined) return { t: 'decided', items: [[index, recorded]] };
        if (index <= lastIndex) return { t: 'refused', why: 'settled', lastIndex };
        if (prev !== lastIndex) return { t: 'refused', why: 'gap', lastIndex };
        const draft = new Map(stocks);
        const { commands } = decodeBatch(frame.batch);
        const decided = commands.map((command, position) =>
          outcomeToWire(skip.includes(position) ? { kind: 'none' } : decideOne(draft, command)),
        );
        const kept = [...outcomes].filter(([key]) => key > settled);
        this.#state = { lastIndex: index, stocks: draft, outcomes: new Map([...kept, [index, decided]]) };
        return { t: 'decided', items: [[index, decided]] };
      }
    }
  }
}

function decideOne(stocks: Map<string, { price: number; quantity: number }>, command: Command): Outcome {
  const { kind, name } = command;
  const stock = stocks.get(name);
  if (kind === 'list') {
    stocks.set(name, { price: command.price, quantity: stock?.quantity ?? 0 });
    return { kind: 'done' };
  }
  if (stock === undefined) return { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
  const quantity = stock.quantity + (kind === 'buy' ? -command.quantity : command.quantity);
  if (quantity < 0) return { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
  stocks.set(name, { price: stock.price, quantity });
  return kind === 'restock' ? { kind: 'done' } : { kind: 'filled', price: stock.price };
}
