/** The catalog set: its format in flags, and the rules for changing it. */
import {
  CATALOGS_MAX,
  FormatError,
  TriremeError,
  parseCatalogSet,
  expectObject,
  isCatalogId,
} from '@trireme/domain';

/** A change of the catalog set. */
export type CatalogChange = { readonly add: string } | { readonly remove: string };

/** Parses `catalog-1,catalog-2`; an empty text is an empty set. @throws FormatError naming what is wrong. */
export function parseCatalogList(text: string): readonly string[] {
  const ids = text.trim() === '' ? [] : text.split(',').map((id) => id.trim());
  for (const id of ids) checkId(id);
  return parseCatalogSet(ids);
}

/** Whether two lists name the same catalogs. */
export function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/**
 * Parses `{"add":"catalog-3"}` or `{"remove":"catalog-3"}`.
 * @throws TriremeError `INVALID_REQUEST` naming what is wrong.
 */
export function parseCatalogChange(body: unknown): CatalogChange {
  try {
    const { add, remove } = expectObject(body, 'body');
    if ((add === undefined) === (remove === undefined))
      throw new FormatError('the body must have either "add" or "remove"');
    return remove === undefined ? { add: checkId(add) } : { remove: checkId(remove) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new TriremeError('INVALID_REQUEST', error.message, { cause: error });
  }
}

function checkId(id: unknown): string {
  if (isCatalogId(id)) return id;
  throw new FormatError(
    `invalid catalog id ${JSON.stringify(id)}: use catalog, or catalog- and up to 56 characters of A-Z a-z 0-9 . _ -, such as catalog-3`,
  );
}

/**
 * Returns the set after a change.
 * @param ids the current set
 * @throws TriremeError `BAD_MEMBERSHIP` if the catalog is already in the set, is not in it, or the set is full.
 */
export function changeCatalogs(ids: readonly string[], change: CatalogChange): readonly string[] {
  if ('remove' in change) {
    const { remove } = change;
    if (!ids.includes(remove))
      throw new TriremeError('BAD_MEMBERSHIP', `${remove} is not in the catalog set: ${listOf(ids)}`);
    return ids.filter((id) => id !== remove);
  }
  const { add } = change;
  if (ids.includes(add)) throw new TriremeError('BAD_MEMBERSHIP', `${add} is already in the catalog set`);
  if (ids.length >= CATALOGS_MAX)
    throw new TriremeError(
      'BAD_MEMBERSHIP',
      `the catalog set has the maximum of ${ids.length} catalogs; remove one first`,
    );
  return [...ids, add];
}

function listOf(ids: readonly string[]): string {
  return ids.length === 0 ? 'the set is empty' : ids.join(', ');
}
