/**
 * Reads the answer to one request from the bytes of a connection, and no more of HTTP than the systems under test speak:
 * answers with a `Content-Length` or in chunks, one at a time. It copies nothing while the first kind comes in one piece.
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

const CHUNKED = /\r\ntransfer-encoding:[ \t]*chunked[ \t]*(\r|$)/i;

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
   * @throws AnswerError if it has no length and no chunks, is too long, or if more bytes than the answer's came.
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
    const body = CHUNKED.test(head) ? readChunks(bytes, bodyStart) : readLength(bytes, bodyStart, head);
    if (body === null) {
      this.#pending = bytes;
      return null;
    }
    if (bytes.length > body.end) throw new AnswerError('more came than the answer');
    this.#pending = null;
    return { status: statusOf(head), head, body: body.bytes };
  }

  /** Forgets what came of an unfinished answer, for a new connection. */
  reset(): void {
    this.#pending = null;
  }
}

/** A body, and where what follows it would begin. */
interface Body {
  readonly bytes: Buffer;
  readonly end: number;
}

/** Null while it is not whole. */
function readLength(bytes: Buffer, start: number, head: string): Body | null {
  const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(\r|$)/i.exec(head)?.[1];
  if (length === undefined) throw new AnswerError(`no length in: ${firstLine(head)}`);
  const end = start + Number(length);
  return bytes.length < end ? null : { bytes: bytes.subarray(start, end), end };
}

/** RFC 9112, section 7.1, without trailers. Null while it is not whole. */
function readChunks(bytes: Buffer, start: number): Body | null {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd === -1) return null;
    const size = /^[0-9a-f]{1,6}(?=;|$)/i.exec(bytes.toString('latin1', at, lineEnd))?.[0];
    if (size === undefined) throw new AnswerError('a chunk without a size');
    const chunk = lineEnd + 2;
    const end = chunk + parseInt(size, 16) + 2;
    if (bytes.length < end) return null;
    if (bytes.toString('latin1', end - 2, end) !== '\r\n') throw new AnswerError('a chunk without its end');
    if (end === chunk + 2) return { bytes: Buffer.concat(chunks), end };
    chunks.push(bytes.subarray(chunk, end - 2));
    at = end;
  }
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new AnswerError(`not HTTP: ${firstLine(head)}`);
  return Number(status);
}

function firstLine(head: string): string {
  return (head.split('\r', 1)[0] ?? '').slice(0, 100);
}
