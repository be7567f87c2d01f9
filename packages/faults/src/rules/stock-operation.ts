/** What happened to one stock, as a client saw it. */

/** What changed the quantity, or found it to be so. */
export type StockAction =
  /** Adds; never takes the quantity below zero. */
  | { readonly kind: 'add'; readonly delta: number }
  /** Found exactly so many. */
  | { readonly kind: 'exactly'; readonly quantity: number }
  /** Found fewer than so many. */
  | { readonly kind: 'below'; readonly quantity: number };

/** One action with the time in which it took place. */
export interface StockOperation {
  readonly action: StockAction;
  readonly call_ns: number;
  /** Null where it may take place at any later time, or never; only of `add`. */
  readonly return_ns: number | null;
  /** How to name it in a report. */
  readonly label: string;
}
