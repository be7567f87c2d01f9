/**
 * Writes lines without ever waiting for whoever reads them: a log whose reader has stopped, or whose disk is full, must not
 * hold the process. What finds no room meanwhile is left out, with a count.
 */
import { LineBuffer } from '../rules/line-buffer.js';

/** Where bytes go. */
export interface LineSink {
  /** Begins to write some of the bytes, at least one, and says how many were written, or why none: once, now or later. */
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes some of the bytes in this very turn, for a process that is about to end. @throws the system's error. */
  writeNow(bytes: Uint8Array): number;
}

/** Characters of lines that wait at most. */
const WAITING_MAX = 1024 * 1024;

/** Milliseconds before a reader that lags is tried again. */
const BEHIND_MS = 20;
/** Milliseconds before any other failed write, such as to a full disk, is tried again. */
const FAILED_MS = 1_000;
/** Milliseconds for which an ending process tries to write its last lines. */
const LAST_MS_MAX = 200;
const LAST_POLL_MS = 5;

/** Error codes of an output that has no reader any more. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF', 'ECONNRESET']);

const outputs = new Set<LineOutput>();

/** Lines that all outputs of this process have left out. */
export function linesLost(): number {
  let lost = 0;
  for (const output of outputs) lost += output.lost;
  return lost;
}

export class LineOutput {
  readonly #sink: LineSink;
  readonly #buffer: LineBuffer;
  /** Taken from the buffer, but not yet written. */
  #bytes: Uint8Array = new Uint8Array(0);
  #isWriting = false;
  #isPlanned = false;
  #retry: NodeJS.Timeout | null = null;
  #isGone = false;
  #onIdle: (() => void)[] = [];

  /** @param describeLost a line that stands for so many that were left out */
  constructor(sink: LineSink, describeLost: (lines: number) => string) {
    this.#sink = sink;
    this.#buffer = new LineBuffer(WAITING_MAX, describeLost);
    outputs.add(this);
  }

  /** Lines that were left out so far. */
  get lost(): number {
    return this.#buffer.lost;
  }

  /** Takes a line without its end; what comes in one turn of the event loop is written together. */
  write(line: string): void {
    if (this.#isGone) return;
    this.#buffer.push(line);
    if (this.#isPlanned || this.#isWriting || this.#retry !== null) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#next();
    });
  }

  /** Resolves when all is written, or cannot be now; what comes later is dropped. */
  async close(): Promise<void> {
    if (this.#isPlanned || this.#isWriting) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#isGone = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    outputs.delete(this);
  }

  /** Writes what it can before the process ends, without waiting for a reader that has stopped. */
  writeLast(until: number): void {
    // The system goes on with a write that has begun, also while this process ends; only a full disk takes a part of it.
    if (this.#isWriting) this.#bytes = new Uint8Array(0);
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(this.#buffer.take())]);
    while (this.#bytes.length > 0 && !this.#isGone) {
      try {
        this.#bytes = this.#bytes.subarray(this.#sink.writeNow(this.#bytes));
      } catch (error) {
        if (!isBehind(error) || performance.now() > until) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_POLL_MS);
      }
    }
  }

  #next(): void {
    if (this.#isWriting) return;
    if (this.#bytes.length === 0) this.#bytes = Buffer.from(this.#buffer.take());
    if (this.#bytes.length === 0) {
      this.#idle();
      return;
    }
    this.#isWriting = true;
    this.#sink.write(this.#bytes, (error, written) => {
      this.#isWriting = false;
      if (error === null) {
        this.#bytes = this.#bytes.subarray(written);
        this.#next();
      } else this.#failed(error);
    });
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (GONE.has(error.code)) {
      this.#isGone = true;
      this.#bytes = new Uint8Array(0);
      this.#buffer.take();
    } else {
      this.#retry = setTimeout(
        () => {
          this.#retry = null;
          this.#next();
        },
        isBehind(error) ? BEHIND_MS : FAILED_MS,
      );
      this.#retry.unref();
    }
    this.#idle();
  }

  #idle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

function isBehind(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

process.once('exit', () => {
  const until = performance.now() + LAST_MS_MAX;
  for (const output of outputs) output.writeLast(until);
});
