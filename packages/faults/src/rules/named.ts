/** Those whose name holds any of the `words`, whichever their case; all of them where there are no words. */
export function named<T extends { readonly name: string }>(all: readonly T[], words: readonly string[]): T[] {
  const wanted = words.map((text) => text.toLowerCase());
  return all.filter(
    ({ name }) => wanted.length === 0 || wanted.some((text) => name.toLowerCase().includes(text)),
  );
}
