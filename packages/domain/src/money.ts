/** Money is whole cents inside and decimal currency in JSON. */

/** A price in whole cents, 1 to `PRICE_CENTS_MAX`. */
export type Cents = number;

/** Ten million currency units. */
export const PRICE_CENTS_MAX = 1_000_000_000;

/** Cents as the decimal text that stands in JSON: `5500` is `55.00`. */
export function formatCents(cents: Cents): string {
  const text = String(cents).padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}

/** Decimal currency as whole cents, or null if it has more than two decimals or is out of bounds. */
export function toCents(price: number): Cents | null {
  const cents = Math.round(price * 100);
  if (!Number.isSafeInteger(cents) || cents < 1 || cents > PRICE_CENTS_MAX) return null;
  // 55.1 * 100 is 5510.000000000001: what counts is that the decimal text of the two is the same number.
  return Number(formatCents(cents)) === price ? cents : null;
}
