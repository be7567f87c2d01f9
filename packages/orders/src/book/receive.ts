/** Stores a book that arrives as a stream of records: a snapshot of the leader, a backup, or another book. */
import { FormatError, type Stock } from '@trireme/domain';
import { BookCheck } from './check.js';
import { isLocalRecord, readMeta, tableOf, textKey, unseal } from './codec.js';
import type { BookRecord } from './record-stream.js';
import type { BookStore } from './store.js';
import type { BookMeta } from '../rules/book/state.js';

/**
 * Records per write: few enough to keep the event loop responsive, many enough to be
 * fast.
 */
const WRITE_RECORDS = 1_000;
const WRITE_BYTES = 1024 * 1024;

/**
 * Checks and writes each record as it arrives, except the meta record, which comes first. The book counts as one
 * only after `BookStore.complete` with the meta record that is returned.
 * @param index the log index that the book must be as of
 * @throws FormatError if a record is damaged or missing, or the book is as of another index; RaftError
 *   `STORAGE_FAILED`; errors of `records`.
 */
export async function receiveBook(
  store: BookStore,
  records: AsyncGenerator<BookRecord>,
  index: number,
): Promise<{ readonly meta: BookMeta; readonly stocks: readonly Stock[] }> {
  const meta = await readFirst(records);
  if (meta.applied !== index) {
    throw new FormatError(`the snapshot of log index ${index} contains a book of log index ${meta.applied}`);
  }
  const check = new BookCheck(meta);
  let batch: BookRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    if (isLocalRecord(record[0]))
      throw new FormatError('the snapshot contains a record that belongs to a single replica');
    check.visit(...record);
    batch.push(record);
    bytes += record[0].byteLength + record[1].byteLength;
    if (batch.length < WRITE_RECORDS && bytes < WRITE_BYTES) continue;
    await store.put(batch);
    batch = [];
    bytes = 0;
  }
  await store.put(batch);
  return { meta, stocks: check.finish() };
}

/** Reads the meta record, which a stream of records starts with. @throws FormatError if it does not. */
export async function readFirst(records: AsyncGenerator<BookRecord>): Promise<BookMeta> {
  const first = await records.next();
  if (first.done === true || tableOf(first.value[0]) !== 'meta') {
    throw new FormatError('the snapshot does not start with its meta record');
  }
  return readMeta(unseal(textKey('meta'), first.value[1]));
}
