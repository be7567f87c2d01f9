/** Reads the answer of `GET /backup`: a backup without compression and digest. */
import { FormatError } from '@trireme/domain';
import { HEADER_BYTES_MAX, parseHeader, type BackupHeader } from '../rules/backup/header.js';

const LINE_BREAK = 0x0a;

/**
 * Splits the first line from the records.
 * @throws FormatError if the answer does not start with the first line of a backup; errors of `chunks`.
 */
export async function readBackupStream(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly header: BackupHeader; readonly chunks: AsyncGenerator<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const next = await iterator.next();
    if (next.done === true || head.length >= HEADER_BYTES_MAX)
      throw new FormatError('the answer does not start with the first line of a backup');
    head = Buffer.concat([head, next.value]);
    end = head.indexOf(LINE_BREAK);
  }
  const header = parseHeader(head.toString('utf8', 0, end));
  return { header, chunks: rest(head.subarray(end + 1), iterator) };
}

async function* rest(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    yield next.value;
  }
}
