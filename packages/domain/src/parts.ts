/** Splits lists into parts of limited size. */

/** Splits the items, in order, into parts of at most `sizeMax`. An empty list gives one empty part. */
export function splitIntoParts<T>(items: readonly T[], sizeMax: number): readonly (readonly T[])[] {
  const count = Math.max(1, Math.ceil(items.length / sizeMax));
  return Array.from({ length: count }, (_, part) => items.slice(part * sizeMax, (part + 1) * sizeMax));
}
