/**
 * Writes lines without ever blocking on their reader: a reader that has stopped, or a full disk, must not block the
 * process. Lines that do not fit in the buffer are dropped and counted.
 */
import { LineBuffer } from '../rules/line-buffer.js';

/** The destination of bytes. */
export interface LineSink {
  /** Writes at least one of the bytes. Calls `done` once, now or later, with the error or the number of bytes written. */
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes some of the bytes synchronously, for a process that is about to exit. @throws the system's error. */
  writeSync(bytes: Uint8Array): number;
}

/** Maximum number of characters in the buffer. */
const BUFFER_LENGTH_MAX = 1024 * 1024;

/** Milliseconds before the next attempt if the reader is slow. */
const SLOW_RETRY_MS = 20;
/** Milliseconds before the next attempt after any other failed write, such as to a full disk. */
const FAILED_RETRY_MS = 1_000;
/** Milliseconds for which an exiting process tries to write its last lines. */
const LAST_MS_MAX = 200;
const LAST_POLL_MS = 5;

/** Error codes of an output without a reader. */
const CLOSED: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF', 'ECONNRESET']);

const outputs = new Set<LineOutput>();

/** Number of lines that all outputs of this process have dropped. */
export function droppedLines(): number {
  let lost = 0;
  for (const output of outputs) lost += output.droppedLines;
  return lost;
}

/** Writes lines to one sink, with a buffer of at most 1 Mi characters. */
export class LineOutput {
  readonly #sink: LineSink;
  readonly #buffer: LineBuffer;
  /** Bytes that were taken from the buffer and are not written yet. */
  #bytes: Uint8Array = new Uint8Array(0);
  #isWriting = false;
  #isScheduled = false;
  #retry: NodeJS.Timeout | null = null;
  #isClosed = false;
  #onIdle: (() => void)[] = [];

  /** @param describeLost formats the line that reports a number of dropped lines */
  constructor(sink: LineSink, describeLost: (lines: number) => string) {
    this.#sink = sink;
    this.#buffer = new LineBuffer(BUFFER_LENGTH_MAX, describeLost);
    outputs.add(this);
  }

  /** Number of dropped lines. */
  get droppedLines(): number {
    return this.#buffer.droppedLines;
  }

  /** Writes a line, given without its line break. Lines of one turn of the event loop are written together. */
  write(line: string): void {
    if (this.#isClosed) return;
    this.#buffer.push(line);
    if (this.#isScheduled || this.#isWriting || this.#retry !== null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#next();
    });
  }

  /** Resolves when everything is written or the last write failed. Later lines are ignored. */
  async close(): Promise<void> {
    if (this.#isScheduled || this.#isWriting)
      await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    outputs.delete(this);
  }

  /** Writes the remaining lines before the process exits. @param until when to give up, by `performance.now` */
  flushSync(until: number): void {
    // The system completes a running write even while this process exits, except on a full disk.
    if (this.#isWriting) this.#bytes = new Uint8Array(0);
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(this.#buffer.take())]);
    while (this.#bytes.length > 0 && !this.#isClosed) {
      try {
        this.#bytes = this.#bytes.subarray(this.#sink.writeSync(this.#bytes));
      } catch (error) {
        if (!isSlowReader(error) || performance.now() > until) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_POLL_MS);
      }
    }
  }

  #next(): void {
    if (this.#isWriting) return;
    if (this.#bytes.length === 0) this.#bytes = Buffer.from(this.#buffer.take());
    if (this.#bytes.length === 0) {
      this.#resolveIdle();
      return;
    }
    this.#isWriting = true;
    this.#sink.write(this.#bytes, (error, written) => {
      this.#isWriting = false;
      if (error === null) {
        this.#bytes = this.#bytes.subarray(written);
        this.#next();
      } else this.#onError(error);
    });
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (CLOSED.has(error.code)) {
      this.#isClosed = true;
      this.#bytes = new Uint8Array(0);
      this.#buffer.take();
    } else {
      this.#retry = setTimeout(
        () => {
          this.#retry = null;
          this.#next();
        },
        isSlowReader(error) ? SLOW_RETRY_MS : FAILED_RETRY_MS,
      );
      this.#retry.unref();
    }
    this.#resolveIdle();
  }

  #resolveIdle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

/** Whether a write failed because the reader has not read enough yet. */
function isSlowReader(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

process.once('exit', () => {
  const until = performance.now() + LAST_MS_MAX;
  for (const output of outputs) output.flushSync(until);
});
