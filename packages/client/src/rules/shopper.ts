/**
 * What one shopper does: which stock it looks up, what it orders then, and whether an order read back is the one that
 * it placed. It asks nobody and knows no time: the same seed and answers lead to the same orders.
 */
import type { OrderRequest } from '@trireme/domain';
import type { SeededRandom } from './random.js';

/** Share of orders that are for one unit; the rest are for 2 to `QUANTITY_MAX`. */
const SINGLE_UNIT_SHARE = 0.8;

/** Most units that a shopper orders at once. */
const QUANTITY_MAX = 3;

/** An order that was filled. */
export interface PlacedOrder extends OrderRequest {
  readonly number: number;
}

export class Shopper {
  readonly #random: SeededRandom;
  readonly #names: readonly string[];
  readonly #orderProbability: number;
  readonly #placed: PlacedOrder[] = [];

  /**
   * @param options.names stocks to choose from, at least one.
   * @param options.orderProbability from 0 to 1: how often a stock that is left is ordered.
   */
  constructor(options: {
    readonly random: SeededRandom;
    readonly names: readonly string[];
    readonly orderProbability: number;
  }) {
    if (options.names.length === 0) throw new RangeError('there is no stock to shop for');
    this.#random = options.random;
    this.#names = options.names;
    this.#orderProbability = options.orderProbability;
  }

  /** The stock to look up next. */
  chooseStock(): string {
    return this.#names[this.#random.below(this.#names.length)] ?? '';
  }

  /** What to order after a look at a stock: buy or sell at even chances; null for nothing. */
  decide(stock: { readonly name: string; readonly quantity: number }): OrderRequest | null {
    if (stock.quantity === 0 || !this.#random.chance(this.#orderProbability)) return null;
    const type = this.#random.chance(0.5) ? 'buy' : 'sell';
    const single = this.#random.chance(SINGLE_UNIT_SHARE);
    return {
      name: stock.name,
      type,
      quantity: single ? 1 : 2 + this.#random.below(QUANTITY_MAX - 1),
    };
  }

  /** Remembers a filled order. */
  recordPlaced(request: OrderRequest, number: number): void {
    this.#placed.push({ ...request, number });
  }

  /** Every filled order, in the order in which they were filled. */
  get placed(): readonly PlacedOrder[] {
    return this.#placed;
  }
}

/**
 * Compares an order as it was placed with what is read back; null means that there is none.
 * @returns what differs, null if nothing does.
 */
export function findMismatch(placed: PlacedOrder, read: PlacedOrder | null): string | null {
  if (read === null) return `order ${placed.number} is not there`;
  const differs = (['number', 'name', 'type', 'quantity'] as const)
    .filter((field) => placed[field] !== read[field])
    .map((field) => `${field} ${read[field]} instead of ${placed[field]}`);
  return differs.length === 0 ? null : `order ${placed.number} has ${differs.join(', ')}`;
}

/** Numbers that were told to more than one order: each must be one order's alone. */
export function findDuplicates(placed: readonly PlacedOrder[]): readonly string[] {
  const seen = new Set<number>();
  const twice = new Set<number>();
  for (const { number } of placed) (seen.has(number) ? twice : seen).add(number);
  return [...twice].map((number) => `number ${number} was given to two orders`);
}
