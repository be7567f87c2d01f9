/** Backup files: what is written is read again, and damage anywhere is found. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import { openBackup, writeBackup } from './backup-file.js';
import { checkRecords } from './contents.js';
import { applyTo, bookOf, fillStore, openStore, ENTRIES } from '../testing/stores.js';
import { LATER_ENTRIES, toAsyncIterable } from '../testing/books.js';
import { TAKEN_AT, backUp } from '../testing/backups.js';
import { withFolder } from '../testing/folders.js';
import { packSlice, type BookRecord } from '../book/record-stream.js';
import type { BackupHeader } from '../rules/backup/header.js';

/** Runs with a full backup of `ENTRIES` and an incremental one of `LATER_ENTRIES`. */
async function withBackups(
  run: (paths: { folder: string; full: string; later: string }, headers: BackupHeader[]) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const [full, later] = [join(folder, 'full'), join(folder, 'later')];
    await fillStore(join(folder, 'book'), ENTRIES);
    const opened = await openStore(join(folder, 'book'));
    try {
      const first = await backUp(opened.store, full);
      await applyTo(opened.store, bookOf(opened), LATER_ENTRIES);
      const second = await backUp(opened.store, later, first);
      await run({ folder, full, later }, [first, second]);
    } finally {
      await opened.store.close();
    }
  });
}

async function readAll(path: string): Promise<readonly BookRecord[]> {
  const { header, contents } = await openBackup(path);
  const records: BookRecord[] = [];
  for await (const record of checkRecords(header, await contents())) records.push(record);
  return records;
}

/** The message of the error that reading the file throws; null if it is read. */
async function problemOf(path: string): Promise<string | null> {
  try {
    await readAll(path);
    return null;
  } catch (error) {
    assert.instance(error, FormatError, String(error));
    return (error as FormatError).message;
  }
}

/** Random numbers that are the same in every run. */
function* randomNumbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

test('a full and an incremental backup describe themselves and are read again', async () => {
  await withBackups(async ({ full, later, folder }, [first, second]) => {
    assert.equal((await openBackup(full)).header, first);
    assert.equal((await openBackup(later)).header, second);
    assert.equal([first?.index, first?.orders, first?.takenAt, first?.since], [5, 4, TAKEN_AT, null]);
    assert.equal(second?.since, { index: first?.index, lastSeq: first?.lastSeq, hash: first?.hash });
    assert.ok((await readAll(full)).length > 10);
    assert.is((await readAll(later)).length, 1);
    assert.equal(readdirSync(folder).sort(), ['book', 'full', 'later'], 'no temporary file is left');
  });
});

test('a flipped byte is found wherever it is', async () => {
  await withBackups(async ({ full, later }) => {
    for (const path of [full, later]) {
      const bytes = readFileSync(path);
      const random = randomNumbers(26);
      for (let i = 0; i < 100; i += 1) {
        const at = Number(random.next().value) % bytes.length;
        const damaged = Buffer.from(bytes);
        damaged[at] = (bytes[at] ?? 0) ^ (1 + (Number(random.next().value) % 255));
        writeFileSync(path, damaged);
        assert.match((await problemOf(path)) ?? 'not found', path, `byte ${at}`);
      }
    }
  });
});

test('a backup that is cut or extended is refused', async () => {
  await withBackups(async ({ full }) => {
    const bytes = readFileSync(full);
    for (const length of [0, 1, 31, 32, 33, 40, bytes.length >> 1, bytes.length - 33, bytes.length - 1]) {
      writeFileSync(full, bytes);
      truncateSync(full, length);
      assert.match((await problemOf(full)) ?? 'not found', full, `${length} bytes`);
    }
    writeFileSync(full, Buffer.concat([bytes, Buffer.from('x')]));
    assert.match((await problemOf(full)) ?? 'not found', /checksum does not match/);
  });
});

/** A file with a valid digest. */
function digested(...parts: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]);
}

test('a hostile file with a valid digest is refused with its reason', async () => {
  await withBackups(async ({ full }, [header]) => {
    const bytes = readFileSync(full);
    const line = (more: object): string =>
      `${JSON.stringify({ magic: 'trireme-backup', format: 1, kind: 'full', ...header, ...more })}\n`;
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [digested('x'.repeat(10_000)), /first line has no end/],
      [digested('[]\n'), /must be an object|not/],
      [digested('{}\n'), /does not say trireme-backup/],
      [digested(line({ format: 2 })), /has format 2; this program reads only format 1/],
      [digested(line({ kind: 'odd' })), /kind is unknown/],
      [digested(line({ hash: 'Z'.repeat(64) })), /hash is not 64 hexadecimal digits/],
      [digested(line({ index: -1 })), /index/],
      [digested(line({}), 'not gzip'), /incorrect header check/],
      [digested(line({}), gzipSync('')), /does not start with its meta record/],
      [digested(line({}), gzipSync(Buffer.from([0, 1, 0xff, 0xff, 0xff, 0xff, 0x6d]))), /above the limit/],
      [digested(line({ orders: 6 }), bytes.subarray(bytes.indexOf('\n') + 1, -32)), /says orders 6/],
    ];
    for (const [hostile, reason] of cases) {
      writeFileSync(full, hostile);
      assert.match((await problemOf(full)) ?? 'not found', reason);
    }
  });
});

test('a source that ends early, or sends a damaged record, leaves no file and keeps the old one', async () => {
  await withBackups(async ({ folder, full }, [header]) => {
    assert.ok(header !== undefined);
    const { contents } = await openBackup(full);
    const { records, meta } = await contents();
    assert.is(meta.orders, 4);
    const kept: BookRecord[] = [];
    for await (const record of records) kept.push(record);
    const before = readFileSync(full);
    const chunks = (): AsyncIterable<Uint8Array> => toAsyncIterable([packSlice(kept)]);
    const failed = await writeBackup(full, { header, chunks: chunks() }).then(String, String);
    assert.match(failed, /does not start with its meta record/);
    assert.equal(readFileSync(full), before);
    assert.equal(readdirSync(folder).sort(), ['book', 'full', 'later']);
  });
});

test('of two backups to one file at a time, the one that is cut leaves that of the other whole', async () => {
  await withFolder(async (folder) => {
    const full = join(folder, 'full');
    await fillStore(join(folder, 'book'), ENTRIES);
    const { store } = await openStore(join(folder, 'book'));
    try {
      const header = await backUp(store, full);
      const whole = readFileSync(full);
      let cut = (): void => undefined;
      const isCut = new Promise<void>((resolve) => (cut = resolve));
      const cutOff = async function* (): AsyncGenerator<Uint8Array> {
        await isCut;
        yield new Uint8Array(3);
      };
      const failing = writeBackup(full, { header, chunks: cutOff() }).then(String, String);
      await backUp(store, full);
      cut();
      assert.match(await failing, /ends within a record/);
      assert.equal(readFileSync(full), whole);
      assert.equal(readdirSync(folder).sort(), ['book', 'full']);
    } finally {
      await store.close();
    }
  });
});

test.run();
