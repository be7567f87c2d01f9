/**
 * Backup files:
 *
 *     | header, one line of JSON | gzip of the records | SHA-256 of everything before, 32 bytes |
 *
 * The records have the form of a snapshot (book/record-stream.ts), each with a checksum of its own. A file is
 * written under a temporary name and renamed once it is complete and durable.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { FormatError } from '@trireme/domain';
import { TEMPORARY_SUFFIX, errorMessage, syncFolder } from '@trireme/service';
import { packRecords, unpackRecords, type BookRecord } from '../book/record-stream.js';
import { toRecord } from '../book/codec.js';
import { checkRecords, openContents, type BackupContents } from './contents.js';
import { HEADER_BYTES_MAX, formatHeader, parseHeader, type BackupHeader } from '../rules/backup/header.js';

const DIGEST_BYTES = 32;
const SIDE_NAME_BYTES = 4;
const LINE_BREAK = 0x0a;
/** Fast: the records of a book compress to a third; level 9 takes four times as long for 5% less. */
const GZIP_LEVEL = 4;

/** A backup file whose digest was checked. */
export interface BackupFile {
  readonly path: string;
  readonly header: BackupHeader;
  readonly bytes: number;
  /** Reads the records. @throws FormatError naming the file; the system's error. */
  readonly contents: () => Promise<BackupContents>;
}

/**
 * Writes a backup from its first line and its records, as a replica sends them. Every record is checked first.
 * An existing file is replaced at the end; after an error it is unchanged.
 * @param onProgress called with the number of bytes written so far
 * @returns the header, and the size of the file in bytes
 * @throws FormatError if the records are damaged or incomplete; the system's error; errors of `chunks`.
 */
export async function writeBackup(
  path: string,
  source: { readonly header: BackupHeader; readonly chunks: AsyncIterable<Uint8Array> },
  onProgress: (bytes: number) => void = () => undefined,
): Promise<number> {
  // A name of its own: another backup to the same path may run at the same time.
  const side = `${path}.${randomBytes(SIDE_NAME_BYTES).toString('hex')}${TEMPORARY_SUFFIX}`;
  const file = await open(side, 'wx', 0o600);
  try {
    let bytes: number;
    try {
      bytes = await writeTo(file, source, onProgress);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(side, path);
    await syncFolder(dirname(path));
    return bytes;
  } catch (error) {
    await rm(side, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeTo(
  file: FileHandle,
  { header, chunks }: { readonly header: BackupHeader; readonly chunks: AsyncIterable<Uint8Array> },
  onProgress: (bytes: number) => void,
): Promise<number> {
  const digest = createHash('sha256');
  let bytes = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    await file.writeFile(chunk);
    bytes += chunk.byteLength;
    onProgress(bytes);
  };
  const line = Buffer.from(formatHeader(header));
  digest.update(line);
  await write(line);
  const contents = await openContents(header, unpackRecords(chunks));
  const packed = packRecords(allRecords(header, contents));
  await pipeline(Readable.from(packed), createGzip({ level: GZIP_LEVEL }), async (compressed) => {
    for await (const chunk of compressed as AsyncIterable<Buffer>) {
      digest.update(chunk);
      await write(chunk);
    }
  });
  await write(digest.digest());
  return bytes;
}

async function* allRecords(header: BackupHeader, contents: BackupContents): AsyncGenerator<BookRecord> {
  const { key, value } = toRecord({ table: 'meta', value: contents.meta });
  if (value !== null) yield [key, value];
  yield* checkRecords(header, contents);
}

/**
 * Opens a backup and checks its digest, which covers every byte.
 * @throws FormatError naming the file if it is damaged, cut or no backup; the system's error.
 */
export async function openBackup(path: string): Promise<BackupFile> {
  const { size } = await stat(path);
  try {
    const { line, digest } = await readThrough(path, size - DIGEST_BYTES);
    const header = parseHeader(line);
    if (!digest.equals(await readTail(path, size))) {
      throw new FormatError(
        'its checksum does not match: the file is damaged, or it was not copied to its end',
      );
    }
    const start = Buffer.byteLength(line) + 1;
    return { path, header, bytes: size, contents: async () => readContents(path, header, start, size) };
  } catch (error) {
    throw namingFile(path, error);
  }
}

/** Reads and checks every record of a backup. @throws FormatError naming the file; the system's error. */
export async function checkBackup({ path, header, contents }: BackupFile): Promise<void> {
  try {
    const records = checkRecords(header, await contents());
    while ((await records.next()).done !== true);
  } catch (error) {
    throw namingFile(path, error);
  }
}

/** The first line, and the digest of the first `end` bytes. */
async function readThrough(path: string, end: number): Promise<{ line: string; digest: Buffer }> {
  if (end < 1) throw new FormatError('it is not a backup: it is too short');
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { end: end - 1 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (head.length < HEADER_BYTES_MAX) head = Buffer.concat([head, chunk.subarray(0, HEADER_BYTES_MAX)]);
  }
  const lineEnd = head.indexOf(LINE_BREAK);
  if (lineEnd < 0 || lineEnd >= HEADER_BYTES_MAX)
    throw new FormatError('it is not a backup: its first line has no end');
  return { line: head.toString('utf8', 0, lineEnd), digest: hash.digest() };
}

async function readTail(path: string, size: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(DIGEST_BYTES),
      0,
      DIGEST_BYTES,
      size - DIGEST_BYTES,
    );
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readContents(
  path: string,
  header: BackupHeader,
  start: number,
  size: number,
): Promise<BackupContents> {
  const gunzip = createGunzip();
  // An error of either stream ends `gunzip`, whose reader receives it.
  void pipeline(createReadStream(path, { start, end: size - DIGEST_BYTES - 1 }), gunzip).catch(
    () => undefined,
  );
  const records = namedErrors(path, unpackRecords(gunzip));
  try {
    return await openContents(header, records);
  } catch (error) {
    throw namingFile(path, error);
  }
}

/** Names the file in errors of the records. */
async function* namedErrors(path: string, records: AsyncIterable<BookRecord>): AsyncGenerator<BookRecord> {
  try {
    yield* records;
  } catch (error) {
    throw namingFile(path, error);
  }
}

/** Errors of the format and of the decompression, with the file's name; other errors are returned unchanged. */
function namingFile(path: string, error: unknown): unknown {
  const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
  if (!(error instanceof FormatError) && !isZlib) return error;
  const what = errorMessage(error);
  return what.startsWith(path) ? error : new FormatError(`${path}: ${what}`, { cause: error });
}
