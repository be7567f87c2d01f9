/** Owner of an order book: recorded when the book is created, and checked whenever it is opened. */
import { FormatError, expectInteger, expectList, expectText } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { BookLevel } from './level.js';
import { BOOK_FORMAT, seal, textKey, unseal } from './codec.js';

export interface BookOwner {
  readonly cluster: string;
  /** The replica's id. */
  readonly id: string;
}

/** Decodes a record of `identityRecord`. @throws FormatError. */
export function readIdentity(value: unknown): BookOwner & { readonly format: number } {
  const [format, cluster, id] = expectList(value, 'identity');
  return {
    format: expectInteger(format, 'format'),
    cluster: expectText(cluster, 'cluster'),
    id: expectText(id, 'id'),
  };
}

/** The identity record. */
export function identityRecord({ cluster, id }: BookOwner): Buffer {
  return seal(textKey('identity'), [BOOK_FORMAT, cluster, id]);
}

/**
 * Records the owner of the book at `path` if the book is new.
 * @throws RaftError `BAD_CONFIG` if it belongs to another owner; FormatError if the record is damaged or
 *   missing.
 */
export async function checkOwner(db: BookLevel, owner: BookOwner & { readonly path: string }): Promise<void> {
  const { cluster, id, path } = owner;
  const key = textKey('identity');
  const record = db.getSync(key);
  if (record === undefined) {
    const [first] = await db.keys({ limit: 1 }).all();
    if (first !== undefined) throw new FormatError('the identity record is missing');
    await db.put(key, identityRecord(owner), { sync: true });
    return;
  }
  const own = readIdentity(unseal(key, record));
  if (own.format === BOOK_FORMAT && own.cluster === cluster && own.id === id) return;
  const found = `format ${own.format}, cluster ${own.cluster}, replica ${own.id}`;
  const wanted = `format ${BOOK_FORMAT}, cluster ${cluster}, replica ${id}`;
  throw new RaftError('BAD_CONFIG', `the order book at ${path} has ${found}; this process needs ${wanted}`);
}
