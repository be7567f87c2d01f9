/** What is sent in parts of bounded size. */

/** The items in their order, in parts of `sizeMax` at most; one empty part if there are none. */
export function inParts<T>(items: readonly T[], sizeMax: number): readonly (readonly T[])[] {
  const count = Math.max(1, Math.ceil(items.length / sizeMax));
  return Array.from({ length: count }, (_, part) => items.slice(part * sizeMax, (part + 1) * sizeMax));
}
