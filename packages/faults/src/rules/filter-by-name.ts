/** Returns the items whose name contains any of `words`, ignoring case; all items if there are no words. */
export function filterByName<T extends { readonly name: string }>(
  all: readonly T[],
  words: readonly string[],
): T[] {
  const wanted = words.map((text) => text.toLowerCase());
  return all.filter(
    ({ name }) => wanted.length === 0 || wanted.some((text) => name.toLowerCase().includes(text)),
  );
}
