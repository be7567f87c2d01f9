/** An operation on one stock, as a client observed it. */

/** A change or an observation of the quantity. */
export type StockAction =
  /** Adds `delta`; the quantity never becomes negative. */
  | { readonly kind: 'add'; readonly delta: number }
  /** Observes exactly `quantity`. */
  | { readonly kind: 'exactly'; readonly quantity: number }
  /** Observes less than `quantity`. */
  | { readonly kind: 'below'; readonly quantity: number };

/** One action with its time interval. */
export interface StockOperation {
  readonly action: StockAction;
  readonly call_ns: number;
  /** Null if the action may happen at any later time, or never; only for `add`. */
  readonly return_ns: number | null;
  /** Name of the operation in a report. */
  readonly label: string;
}
