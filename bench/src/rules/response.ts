/**
 * Reads the answer to one request from the bytes of a connection, and no more of HTTP than the systems under test speak:
 * answers with a `Content-Length`, one at a time. It copies nothing while an answer comes in one piece.
 */

/** An answer, or that there was none. */
export interface Answer {
  /** HTTP status, 0 where none came. */
  readonly status: number;
  /** Status line and headers, without the empty line behind them; why none came where there is no answer. */
  readonly head: string;
  readonly body: Buffer;
}

/** Bytes of one answer at most. */
const ANSWER_BYTES_MAX = 1024 * 1024;

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

/** Thrown when bytes are not an answer that this reader reads. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly code = 'BAD_ANSWER';
}

export class AnswerReader {
  #pending: Buffer | null = null;

  /**
   * Takes the next bytes.
   * @returns the answer once it is whole, null until then.
   * @throws AnswerError if it has no length, is too long, or if more bytes than the answer's came.
   */
  push(chunk: Buffer): Answer | null {
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    if (bytes.length > ANSWER_BYTES_MAX) throw new AnswerError('the answer is too long');
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd === -1) {
      this.#pending = bytes;
      return null;
    }
    const head = bytes.toString('latin1', 0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const end = bodyStart + bodyLength(head);
    if (bytes.length < end) {
      this.#pending = bytes;
      return null;
    }
    if (bytes.length > end) throw new AnswerError('more came than the answer');
    this.#pending = null;
    return { status: statusOf(head), head, body: bytes.subarray(bodyStart) };
  }

  /** Forgets what came of an unfinished answer, for a new connection. */
  reset(): void {
    this.#pending = null;
  }
}

function bodyLength(head: string): number {
  const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(\r|$)/i.exec(head)?.[1];
  if (length === undefined) throw new AnswerError(`no length in: ${firstLine(head)}`);
  return Number(length);
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new AnswerError(`not HTTP: ${firstLine(head)}`);
  return Number(status);
}

function firstLine(head: string): string {
  return (head.split('\r', 1)[0] ?? '').slice(0, 100);
}
