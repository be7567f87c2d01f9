/** The set of catalogs as a replica tells of it. */

/** One catalog of the set. */
export interface Catalog {
  readonly id: string;
  /** Its internal port; null where it is not linked to the replica that tells. */
  readonly url: string | null;
  readonly linked: boolean;
  /** Whether it may answer look-ups; null where the replica that tells does not lead. */
  readonly hasAuthority: boolean | null;
}

export interface CatalogSet {
  /** Id of the member that tells. */
  readonly self: string;
  /** Log index of the entry that names the set, 0 if none does. */
  readonly index: number;
  readonly catalogs: readonly Catalog[];
}

/** Reads the answer of `GET /catalogs`; null if it is none. */
export function parseCatalogs(value: unknown): CatalogSet | null {
  if (!isRecord(value)) return null;
  const { self, index, catalogs } = value;
  if (typeof self !== 'string' || typeof index !== 'number' || !Array.isArray(catalogs)) return null;
  const parsed = catalogs.map(parseCatalog).filter((catalog) => catalog !== null);
  return parsed.length === catalogs.length ? { self, index, catalogs: parsed } : null;
}

function parseCatalog(value: unknown): Catalog | null {
  if (!isRecord(value)) return null;
  const { id, url, linked, hasAuthority } = value;
  if (typeof id !== 'string' || typeof linked !== 'boolean') return null;
  if (url !== null && typeof url !== 'string') return null;
  if (hasAuthority !== null && typeof hasAuthority !== 'boolean') return null;
  return { id, url, linked, hasAuthority };
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null;
}
