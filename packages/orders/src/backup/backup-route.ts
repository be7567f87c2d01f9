/**
 * `GET /backup` on a replica's internal port: the first line of a backup (rules/backup/header.ts) and its records,
 * uncompressed, as of one log index. With `?after=SEQ&index=INDEX&hash=HASH&life=LIFE`, the end of an earlier backup,
 * only the batches after it.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FormatError, TriremeError } from '@trireme/domain';
import { Counter, type Metrics } from '@trireme/service';
import { packSlice } from '../book/record-stream.js';
import type { BookStore } from '../book/store.js';
import type { Pacer } from '../replica/scan-pacer.js';
import {
  formatHeader,
  headerOf,
  expectHex,
  type BackupHeader,
  type BackupPoint,
} from '../rules/backup/header.js';
import { isSeeded, type BookMeta } from '../rules/book/state.js';

/** Backups read at a time: each holds a snapshot of the book, and slows the others. */
export const BACKUPS_MAX = 2;

interface BackupRouteOptions {
  /** The store of the current book. */
  readonly store: () => BookStore;
  readonly cluster: string;
  /** Paces the scans, so that orders go on at full rate. */
  readonly pacer: Pacer;
  readonly metrics: Metrics;
}

/** An earlier backup that the client has. */
interface Since extends BackupPoint {
  readonly life: string;
}

const PROGRAM = programVersion();

export class BackupRoute {
  readonly #options: BackupRouteOptions;
  #open = 0;
  #bytes = 0;
  readonly #finished = new Counter();

  constructor(options: BackupRouteOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.addGauge('backups_open', 'Backups that are being read.', () => this.#open);
    metrics.addCounter('backup_bytes_total', 'Bytes sent of backups, before compression.', () => this.#bytes);
    metrics.addCounter('backups_total', 'Backups that ended, by kind and result.', () => this.#finished);
  }

  /**
   * Answers the request. The view of the book is closed when the response ends, also if the client disconnects or
   * stops reading.
   * @throws TriremeError `UNAVAILABLE` if too many backups are open, the cluster has no seed yet, or this replica lags;
   *   `INVALID_REQUEST` if this replica cannot continue the earlier backup.
   */
  async handle({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const since = parseSince(url);
    if (this.#open >= BACKUPS_MAX)
      throw new TriremeError(
        'UNAVAILABLE',
        `this replica is sending ${BACKUPS_MAX} backups already; try again later, or use another replica`,
      );
    const view = this.#options.store().view();
    this.#open += 1;
    const kind = since === null ? 'full' : 'incremental';
    let result = 'refused';
    try {
      checkSince(view.meta, since);
      const header = headerOf(view.meta, {
        cluster: this.#options.cluster,
        takenAt: Date.now(),
        program: PROGRAM,
        since: since === null ? null : { index: since.index, lastSeq: since.lastSeq, hash: since.hash },
      });
      result = 'failed';
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' });
      await pipeline(Readable.from(this.#chunks(header, view.slices(since?.lastSeq ?? null))), response);
      result = 'done';
    } finally {
      this.#open -= 1;
      this.#finished.increment({ kind, result });
      await view.close();
    }
  }

  async *#chunks(
    header: BackupHeader,
    slices: ReturnType<ReturnType<BookStore['view']>['slices']>,
  ): AsyncGenerator<Buffer> {
    const { pacer } = this.#options;
    yield Buffer.from(formatHeader(header));
    for await (const slice of slices) {
      await pacer.waitForTurn();
      let chunk: Buffer = Buffer.alloc(0);
      pacer.measure(() => (chunk = packSlice(slice)));
      this.#bytes += chunk.byteLength;
      if (chunk.byteLength > 0) yield chunk;
    }
  }
}

/** @throws TriremeError `INVALID_REQUEST` if the query is incomplete or malformed. */
function parseSince(url: string): Since | null {
  const { searchParams } = new URL(url, 'http://replica');
  if (!searchParams.has('after')) return null;
  const whole = (name: string): number => {
    const text = searchParams.get(name) ?? '';
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new TriremeError('INVALID_REQUEST', `${name} must be a whole number`);
  };
  const hex = (name: string, length: number): string => {
    try {
      return expectHex(searchParams.get(name), name, length);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new TriremeError('INVALID_REQUEST', error.message, { cause: error });
    }
  };
  return { lastSeq: whole('after'), index: whole('index'), hash: hex('hash', 64), life: hex('life', 16) };
}

/** @throws TriremeError if the book cannot continue the earlier backup. */
function checkSince(meta: BookMeta, since: Since | null): void {
  if (!isSeeded(meta))
    throw new TriremeError('UNAVAILABLE', 'the cluster has no stocks yet; try again once it accepts orders');
  if (since === null) return;
  const refuse = (what: string): never => {
    throw new TriremeError('INVALID_REQUEST', `${what}; take a full backup`);
  };
  if (since.life !== meta.life)
    refuse(`the earlier backup is of another life of the cluster (${since.life}, now ${meta.life})`);
  if (since.lastSeq > meta.lastSeq || since.index > meta.applied)
    throw new TriremeError(
      'UNAVAILABLE',
      `this replica has applied log index ${meta.applied}, but the earlier backup ends at ${since.index}: it lags; ` +
        'try again, or use another replica',
    );
  if (meta.firstSeq > since.lastSeq + 1)
    refuse(
      'this replica does not retain all batches since the earlier backup any more: it is more than 25 hours old',
    );
  if (since.lastSeq === meta.lastSeq && since.hash !== meta.hash)
    refuse('the earlier backup has another book: the hashes at the same batch differ');
}

function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
