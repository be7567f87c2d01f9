/** Amounts of money: whole cents internally, decimal currency in JSON. */

/** A price in whole cents, 1 to `PRICE_CENTS_MAX`. */
export type Cents = number;

/** Ten million currency units. */
export const PRICE_CENTS_MAX = 1_000_000_000;

/** Formats cents as decimal text for JSON: `5500` becomes `55.00`. */
export function formatCents(cents: Cents): string {
  const text = String(cents).padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}

/** Converts decimal currency to whole cents. Returns null for more than two decimals, and out of bounds. */
export function parseCents(price: number): Cents | null {
  const cents = Math.round(price * 100);
  if (!Number.isSafeInteger(cents) || cents < 1 || cents > PRICE_CENTS_MAX) return null;
  // 55.1 * 100 is 5510.000000000001, so compare with the number that the decimal text of the cents gives.
  return Number(formatCents(cents)) === price ? cents : null;
}
