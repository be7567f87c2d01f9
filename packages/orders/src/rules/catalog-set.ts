/** The set of catalogs, by their ids: how it is written in a flag, what an operator may ask of it, and when that is refused. */
import {
  CATALOGS_MAX,
  FormatError,
  TriremeError,
  asCatalogSet,
  asObject,
  isCatalogId,
} from '@trireme/domain';

/** One change of the set. */
export type CatalogChange = { readonly add: string } | { readonly remove: string };

/** Reads `catalog-1,catalog-2`; an empty text is no catalog. @throws FormatError naming what is wrong. */
export function parseCatalogList(text: string): readonly string[] {
  const ids = text.trim() === '' ? [] : text.split(',').map((id) => id.trim());
  for (const id of ids) checkId(id);
  return asCatalogSet(ids);
}

/** Whether two lists name the same catalogs. */
export function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** Reads `{"add":"catalog-3"}` or `{"remove":"catalog-3"}`. @throws TriremeError `INVALID_REQUEST` naming what is wrong. */
export function parseCatalogChange(body: unknown): CatalogChange {
  try {
    const { add, remove } = asObject(body, 'body');
    if ((add === undefined) === (remove === undefined))
      throw new FormatError('the body has either "add" or "remove"');
    return remove === undefined ? { add: checkId(add) } : { remove: checkId(remove) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new TriremeError('INVALID_REQUEST', error.message, { cause: error });
  }
}

function checkId(id: unknown): string {
  if (isCatalogId(id)) return id;
  throw new FormatError(
    `${JSON.stringify(id)} is no id of a catalog: catalog, or catalog- and up to 56 characters of A-Z a-z 0-9 . _ -, such as catalog-3`,
  );
}

/**
 * The set after a change.
 * @param ids the set now
 * @throws TriremeError `BAD_MEMBERSHIP` if the catalog is in the set already, is not in it, or there is no room for it.
 */
export function changeCatalogs(ids: readonly string[], change: CatalogChange): readonly string[] {
  if ('remove' in change) {
    const { remove } = change;
    if (!ids.includes(remove))
      throw new TriremeError('BAD_MEMBERSHIP', `${remove} is not in the set of catalogs: ${listOf(ids)}`);
    return ids.filter((id) => id !== remove);
  }
  const { add } = change;
  if (ids.includes(add)) throw new TriremeError('BAD_MEMBERSHIP', `${add} is in the set of catalogs already`);
  if (ids.length >= CATALOGS_MAX)
    throw new TriremeError(
      'BAD_MEMBERSHIP',
      `the set has ${ids.length} catalogs, which is the most that it may have: remove one first`,
    );
  return [...ids, add];
}

function listOf(ids: readonly string[]): string {
  return ids.length === 0 ? 'it is empty' : ids.join(', ');
}
