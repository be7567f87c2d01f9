/** A process's log on disk, bounded: when full it becomes `<name>.log.1` and the one before that is gone. */
import { writeSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LineOutput, type LineSink } from '@trireme/service';

/** Bytes of a log file at most; with the one before it, twice that on disk for each process. */
const LOG_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** How long closing waits for the disk, in milliseconds. */
const CLOSE_MS_MAX = 1_000;

export class LogFile {
  readonly #file: RotatingFile;
  readonly #output: LineOutput;

  /** Opens for appending with the first line. */
  constructor(path: string, bytesMax = LOG_FILE_BYTES_MAX) {
    this.#file = new RotatingFile(path, bytesMax);
    this.#output = new LineOutput(
      this.#file,
      (lines) => `${lines} lines were left out: ${path} could not be written`,
    );
  }

  /** Appends a line, without waiting for the disk; of what a full disk does not take, the latest 1 MiB is kept for later. */
  append(line: string): void {
    this.#output.write(line);
  }

  /** Closes it when all is written, or cannot be. */
  async close(): Promise<void> {
    const closed = this.#output.close().then(async () => this.#file.close());
    await Promise.race([closed, delay(CLOSE_MS_MAX)]);
  }
}

class RotatingFile implements LineSink {
  readonly #path: string;
  readonly #bytesMax: number;
  #handle: FileHandle | null = null;
  #bytes = 0;

  constructor(path: string, bytesMax: number) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    this.#append(bytes).then(
      (written) => done(null, written),
      (error: unknown) => done(error as NodeJS.ErrnoException, 0),
    );
  }

  writeNow(bytes: Uint8Array): number {
    return this.#handle === null ? bytes.length : writeSync(this.#handle.fd, bytes);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #append(bytes: Uint8Array): Promise<number> {
    let handle = this.#handle ?? (await this.#open());
    if (this.#bytes >= this.#bytesMax) {
      await rename(this.#path, `${this.#path}.1`);
      await this.close();
      handle = await this.#open();
    }
    const { bytesWritten } = await handle.write(bytes);
    this.#bytes += bytesWritten;
    return bytesWritten;
  }

  async #open(): Promise<FileHandle> {
    const handle = await open(this.#path, 'a', 0o600);
    this.#bytes = (await handle.stat()).size;
    this.#handle = handle;
    return handle;
  }
}
