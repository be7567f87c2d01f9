/** A process's log on disk, bounded: when full it becomes `<name>.log.1` and the one before that is gone. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Bytes of a log file at most; with the one before it, twice that on disk for each process. */
const LOG_FILE_BYTES_MAX = 64 * 1024 * 1024;

export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number;
  #bytes: number;

  /** Opens for appending. */
  constructor(path: string, bytesMax = LOG_FILE_BYTES_MAX) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** Appends a line. A full disk must not bring the cluster's supervisor down: what cannot be written is dropped. */
  append(line: string): void {
    try {
      if (this.#bytes >= this.#bytesMax) this.#rotate();
      this.#bytes += writeSync(this.#descriptor, `${line}\n`);
    } catch {
      // The console has the line too.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`);
    const old = this.#descriptor;
    this.#descriptor = openSync(this.#path, 'a', 0o600);
    this.#bytes = 0;
    closeSync(old);
  }
}
