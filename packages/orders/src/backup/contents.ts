/** The records of a backup: the meta record, then all records of the book or the batches after an earlier backup. */
import { FormatError } from '@trireme/domain';
import { BookCheck } from '../book/check.js';
import { isLocalRecord, keyNumber, readBatch, tableOf, unseal } from '../book/codec.js';
import { readFirst } from '../book/receive.js';
import type { BookRecord } from '../book/record-stream.js';
import { checkMeta, type BackupHeader } from '../rules/backup/header.js';
import type { BookMeta, RetainedBatch } from '../rules/book/state.js';

/** A backup whose meta record was read. */
export interface BackupContents {
  readonly meta: BookMeta;
  /** The records after the meta record. */
  readonly records: AsyncGenerator<BookRecord>;
}

/** Reads the meta record. @throws FormatError if it is damaged or does not match the header. */
export async function openContents(
  header: BackupHeader,
  records: AsyncGenerator<BookRecord>,
): Promise<BackupContents> {
  const meta = await readFirst(records);
  checkMeta(header, meta);
  return { meta, records };
}

/**
 * Yields the records after the meta record, and checks each before that.
 * @throws FormatError if one is damaged, missing or unexpected.
 */
export async function* checkRecords(
  { since }: BackupHeader,
  { meta, records }: BackupContents,
): AsyncGenerator<BookRecord> {
  if (since !== null) {
    for await (const { record } of readBatches(since.lastSeq, { meta, records })) yield record;
    return;
  }
  const check = new BookCheck(meta);
  for await (const record of records) {
    if (isLocalRecord(record[0]))
      throw new FormatError('it contains a record that belongs to a single replica');
    check.visit(...record);
    yield record;
  }
  check.finish();
}

/** The batches of an incremental backup, numbered from `after + 1`. @throws FormatError. */
export async function* readBatches(
  after: number,
  { meta, records }: BackupContents,
): AsyncGenerator<{ readonly record: BookRecord; readonly batch: RetainedBatch }> {
  let next = after + 1;
  for await (const record of records) {
    const [key, value] = record;
    const seq = tableOf(key) === 'batch' ? keyNumber(key) : null;
    if (seq !== next || seq > meta.lastSeq) throw new FormatError(`batch ${next} is missing`);
    next += 1;
    yield { record, batch: readBatch(seq, unseal(key, value)) };
  }
  if (next <= meta.lastSeq) throw new FormatError(`batch ${next} is missing`);
}
