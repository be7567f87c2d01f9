/** The catalog set as a replica reports it. */
import { isRecord } from './is-record.js';

/** One catalog of the set. */
export interface CatalogState {
  readonly id: string;
  /** Its internal URL; null if it is not linked to the reporting replica. */
  readonly url: string | null;
  readonly linked: boolean;
  /** Whether it may answer look-ups; null if the reporting replica does not lead. */
  readonly hasAuthority: boolean | null;
}

export interface CatalogSetState {
  /** Id of the reporting member. */
  readonly self: string;
  /** Log index of the entry that defines the set; 0 if there is none. */
  readonly index: number;
  readonly catalogs: readonly CatalogState[];
}

/** Parses the answer of `GET /catalogs`; null if it is invalid. */
export function parseCatalogSet(value: unknown): CatalogSetState | null {
  if (!isRecord(value)) return null;
  const { self, index, catalogs } = value;
  if (typeof self !== 'string' || typeof index !== 'number' || !Array.isArray(catalogs)) return null;
  const parsed = catalogs.map(parseCatalog).filter((catalog) => catalog !== null);
  return parsed.length === catalogs.length ? { self, index, catalogs: parsed } : null;
}

function parseCatalog(value: unknown): CatalogState | null {
  if (!isRecord(value)) return null;
  const { id, url, linked, hasAuthority } = value;
  if (typeof id !== 'string' || typeof linked !== 'boolean') return null;
  if (url !== null && typeof url !== 'string') return null;
  if (hasAuthority !== null && typeof hasAuthority !== 'boolean') return null;
  return { id, url, linked, hasAuthority };
}
