/**
 * The entries of a log, with the stocks as of each. It has its own implementation of the decision rules and the hash, so
 * that a catalog is compared with code that it does not share.
 */
import { createHash } from 'node:crypto';
import { pack, type Command, type OutcomeWire, type ReplicaToCatalog, type Stock } from '@trireme/domain';
import { batchOf, LIFE } from './leader-log.js';

interface LoggedEntry {
  readonly index: number;
  /** Null for an entry without a batch. */
  readonly commands: readonly Command[] | null;
  readonly skip: readonly number[];
  /** The values below are as of this entry. */
  readonly lastIndex: number;
  readonly hash: string;
  readonly stocks: ReadonlyMap<string, Stock>;
}

const NOT_FOUND = -1;
const INSUFFICIENT = -2;

/** Log indexes start at 1 and have no gaps. */
export class ReferenceLog {
  #entries: LoggedEntry[];
  /** Leaders have discarded the entries up to here: a catalog that lacks one gets a snapshot. */
  compactedIndex = 0;

  constructor(stocks: readonly Stock[]) {
    const table = new Map(stocks.map((stock) => [stock.name, stock]));
    const first = { index: 1, commands: null, skip: [], lastIndex: 0, hash: '0'.repeat(64), stocks: table };
    this.#entries = [first];
  }

  get lastIndex(): number {
    return this.#entries.length;
  }

  /** The stocks as of an entry. */
  stocks(index: number): ReadonlyMap<string, Stock> {
    return this.#at(index).stocks;
  }

  /** Appends an entry. Returns the names of the stocks that it may change. */
  append(commands: readonly Command[] | null, skip: readonly number[]): readonly string[] {
    const before = this.#at(this.lastIndex);
    const index = before.index + 1;
    if (commands === null || commands.every((_, position) => skip.includes(position))) {
      this.#entries.push({ ...before, index, commands, skip });
    } else {
      const stocks = new Map(before.stocks);
      const outcomes = commands.map((command, position) =>
        skip.includes(position) ? null : apply(stocks, index, command),
      );
      const hash = createHash('sha256')
        .update(Buffer.concat([Buffer.from(before.hash, 'hex'), batchOf(commands), pack(outcomes)]))
        .digest('hex');
      this.#entries.push({ index, commands, skip, lastIndex: index, hash, stocks });
    }
    return [...new Set(commands?.map(({ name }) => name))];
  }

  /** Removes the entries after `index`. */
  truncate(index: number): void {
    this.#entries.length = index;
  }

  entry(index: number): ReplicaToCatalog {
    const { commands } = this.#at(index);
    return { t: 'entry', index, batch: commands === null ? null : batchOf(commands) };
  }

  visible(index: number): ReplicaToCatalog {
    const skips = this.#entries.flatMap((entry) =>
      entry.index <= index && entry.skip.length > 0 ? [[entry.index, entry.skip] as const] : [],
    );
    return { t: 'visible', index, skips, hash: this.#at(index).hash };
  }

  snapshot(index: number): readonly ReplicaToCatalog[] {
    const { lastIndex, hash, stocks } = this.#at(index);
    const rows = [...stocks.values()].map(
      ({ name, price, quantity, version }) => [name, price, quantity, version] as const,
    );
    return [rows.slice(0, 1), rows.slice(1)].map((part, position) => ({
      t: 'snapshot',
      index,
      life: LIFE,
      lastIndex,
      hash,
      part: position,
      parts: 2,
      stocks: part,
    }));
  }

  #at(index: number): LoggedEntry {
    const entry = this.#entries[index - 1];
    if (entry === undefined) throw new Error(`no entry ${index}`);
    return entry;
  }
}

function apply(stocks: Map<string, Stock>, version: number, command: Command): OutcomeWire {
  const { name } = command;
  const old = stocks.get(name);
  if (command.kind === 'list') {
    stocks.set(name, { name, price: command.price, quantity: old === undefined ? 0 : old.quantity, version });
    return 0;
  }
  if (old === undefined) return NOT_FOUND;
  const sign = command.kind === 'buy' ? -1 : 1;
  const quantity = old.quantity + sign * command.quantity;
  if (quantity < 0) return INSUFFICIENT;
  stocks.set(name, { ...old, quantity, version });
  return command.kind === 'restock' ? 0 : old.price;
}
