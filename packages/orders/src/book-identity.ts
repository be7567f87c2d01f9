/** Whose a book is: written when it is new, and checked whenever it is opened. */
import { FormatError, asInteger, asList, asText } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { BookLevel } from './book-level.js';
import { BOOK_FORMAT, seal, textKey, unseal } from './records.js';

export interface BookOwner {
  readonly cluster: string;
  /** The replica's id. */
  readonly id: string;
}

/** What `identityRecord` has put down. @throws FormatError. */
export function readIdentity(value: unknown): BookOwner & { readonly format: number } {
  const [format, cluster, id] = asList(value, 'identity');
  return {
    format: asInteger(format, 'format'),
    cluster: asText(cluster, 'cluster'),
    id: asText(id, 'id'),
  };
}

/** The record under the identity's key. */
export function identityRecord({ cluster, id }: BookOwner): Buffer {
  return seal(textKey('identity'), [BOOK_FORMAT, cluster, id]);
}

/**
 * Writes who the book at `path` belongs to if it is new.
 * @throws RaftError `BAD_CONFIG` if it is another's; FormatError if the record is damaged or missing.
 */
export async function claimBook(db: BookLevel, owner: BookOwner & { readonly path: string }): Promise<void> {
  const { cluster, id, path } = owner;
  const key = textKey('identity');
  const record = db.getSync(key);
  if (record === undefined) {
    const [first] = await db.keys({ limit: 1 }).all();
    if (first !== undefined) throw new FormatError('its identity is missing');
    await db.put(key, identityRecord(owner), { sync: true });
    return;
  }
  const own = readIdentity(unseal(key, record));
  if (own.format === BOOK_FORMAT && own.cluster === cluster && own.id === id) return;
  const found = `format ${own.format}, cluster ${own.cluster}, replica ${own.id}`;
  const wanted = `format ${BOOK_FORMAT}, cluster ${cluster}, replica ${id}`;
  throw new RaftError('BAD_CONFIG', `the order book at ${path} is of ${found}; this process is ${wanted}`);
}
