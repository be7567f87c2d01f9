/** Log file of bounded size: a full file is renamed to `<name>.log.1` and replaces the previous one. */
import { closeSync, fstatSync, openSync, write, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LineOutput, type LineSink } from '@trireme/service';

/** Maximum size of a log file, in bytes. A process uses up to twice as much disk, with the previous file. */
const LOG_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Time limit of `close`, in milliseconds. */
const CLOSE_MS_MAX = 1_000;

export class LogFile {
  readonly #file: RotatingFile;
  readonly #output: LineOutput;

  /** The file is opened with the first line. */
  constructor(path: string, bytesMax = LOG_FILE_BYTES_MAX) {
    this.#file = new RotatingFile(path, bytesMax);
    this.#output = new LineOutput(
      this.#file,
      (lines) => `dropped ${lines} lines: ${path} could not be written`,
    );
  }

  /**
   * Appends a line without waiting for the disk. While the disk is full, up to 1 MiB of lines is buffered; later lines
   * are dropped and counted.
   */
  append(line: string): void {
    this.#output.write(line);
  }

  /** Closes the file once everything is written, or cannot be written. */
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
    this.#writable().then(
      (descriptor) =>
        write(descriptor, bytes, (error, written) => {
          this.#bytes += written;
          done(error, written);
        }),
      (error: unknown) => done(error as NodeJS.ErrnoException, 0),
    );
  }

  writeSync(bytes: Uint8Array): number {
    return writeSync(this.#descriptor ?? this.#open(), bytes);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  async #writable(): Promise<number> {
    // Open synchronously: at the end of the process LineOutput assumes that a write in progress reaches the system.
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
