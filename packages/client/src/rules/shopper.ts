/**
 * Decisions of one shopper: which stock to look up, what to order, and whether an order was read back correctly. It has
 * no I/O and no clock: the same seed and answers lead to the same orders.
 */
import type { OrderRequest } from '@trireme/domain';
import type { SeededRandom } from './random.js';

/** Share of orders for one unit; the others are for 2 to `QUANTITY_MAX` units. */
const SINGLE_UNIT_SHARE = 0.8;

/** Maximum quantity of an order. */
const QUANTITY_MAX = 3;

/** A filled order. */
export interface PlacedOrder extends OrderRequest {
  readonly number: number;
}

export class Shopper {
  readonly #random: SeededRandom;
  readonly #names: readonly string[];
  readonly #orderProbability: number;
  readonly #placed: PlacedOrder[] = [];

  /**
   * @param options.names names of the stocks, at least one.
   * @param options.orderProbability probability of an order for an available stock, from 0 to 1.
   */
  constructor(options: {
    readonly random: SeededRandom;
    readonly names: readonly string[];
    readonly orderProbability: number;
  }) {
    if (options.names.length === 0) throw new RangeError('names must not be empty');
    this.#random = options.random;
    this.#names = options.names;
    this.#orderProbability = options.orderProbability;
  }

  /** Name of the next stock to look up. */
  chooseStock(): string {
    return this.#names[this.#random.below(this.#names.length)] ?? '';
  }

  /** Decides on an order after the look-up of a stock: buy or sell with equal probability; null for no order. */
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

  /** Records a filled order. */
  recordPlaced(request: OrderRequest, number: number): void {
    this.#placed.push({ ...request, number });
  }

  /** All filled orders, oldest first. */
  get placed(): readonly PlacedOrder[] {
    return this.#placed;
  }
}

/**
 * Compares an order as it was placed with the order that was read back.
 * @param read null if the order was not found
 * @returns the differences; null if there are none.
 */
export function findMismatch(placed: PlacedOrder, read: PlacedOrder | null): string | null {
  if (read === null) return `order ${placed.number} was not found`;
  const differs = (['number', 'name', 'type', 'quantity'] as const)
    .filter((field) => placed[field] !== read[field])
    .map((field) => `${field} ${read[field]} instead of ${placed[field]}`);
  return differs.length === 0 ? null : `order ${placed.number} has ${differs.join(', ')}`;
}

/** Finds numbers that were given to more than one order. */
export function findDuplicates(placed: readonly PlacedOrder[]): readonly string[] {
  const seen = new Set<number>();
  const twice = new Set<number>();
  for (const { number } of placed) (seen.has(number) ? twice : seen).add(number);
  return [...twice].map((number) => `number ${number} was given to two orders`);
}
