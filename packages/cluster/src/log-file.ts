/** A process's log on disk, bounded: when full it becomes `<name>.log.1` and the one before that is gone. */
import { closeSync, fstatSync, openSync, write, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
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

  /**
   * Appends a line, without waiting for the disk. While a full disk takes nothing, the first lines of it, 1 MiB at most, wait, and
   * later ones are counted.
   */
  append(line: string): void {
    this.#output.write(line);
  }

  /** Closes it when all is written, or cannot be. */
  async close(): Promise<void> {
    const closed = this.#output.close().then(() => this.#file.close());
    await Promise.race([closed, delay(CLOSE_MS_MAX, undefined, { ref: false })]);
  }
}

class RotatingFile implements LineSink {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number | null = null;
  #bytes = 0;

  constructor(path: string, bytesMax: number) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    this.#ready().then(
      (descriptor) =>
        write(descriptor, bytes, (error, written) => {
          this.#bytes += written;
          done(error, written);
        }),
      (error: unknown) => done(error as NodeJS.ErrnoException, 0),
    );
  }

  writeNow(bytes: Uint8Array): number {
    return writeSync(this.#descriptor ?? this.#open(), bytes);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  async #ready(): Promise<number> {
    // At once, or a process that ends meanwhile would take the line for written.
    const descriptor = this.#descriptor ?? this.#open();
    if (this.#bytes < this.#bytesMax) return descriptor;
    await rename(this.#path, `${this.#path}.1`);
    this.close();
    return this.#open();
  }

  #open(): number {
    const descriptor = openSync(this.#path, 'a', 0o600);
    this.#bytes = fstatSync(descriptor).size;
    this.#descriptor = descriptor;
    return descriptor;
  }
}
