/**
 * Parser for the HTTP answers of the systems under test: with a `Content-Length` or chunked, one at a time,
 * no pipelining. An answer with a `Content-Length` that arrives in one piece is not copied.
 */

/** An HTTP answer, or the reason why none arrived. */
export interface HttpAnswer {
  /** HTTP status; 0 if no answer arrived. */
  readonly status: number;
  /** Status line and headers without the final empty line; the reason if no answer arrived. */
  readonly head: string;
  readonly body: Buffer;
}

/** Maximum size of one answer in bytes. */
const ANSWER_BYTES_MAX = 1024 * 1024;

const CHUNKED = /\r\ntransfer-encoding:[ \t]*chunked[ \t]*(\r|$)/i;

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

/** Thrown for bytes that are not an answer in a supported form. */
export class AnswerFormatError extends Error {
  override readonly name = 'AnswerError';
  readonly code = 'BAD_ANSWER';
}

export class AnswerParser {
  #pending: Buffer | null = null;

  /**
   * Parses the next bytes.
   * @returns the answer once it is complete, otherwise null.
   * @throws AnswerFormatError if it has neither a length nor chunks, exceeds 1 MiB, or is followed by other bytes.
   */
  push(chunk: Buffer): HttpAnswer | null {
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    if (bytes.length > ANSWER_BYTES_MAX)
      throw new AnswerFormatError(`answer exceeds ${ANSWER_BYTES_MAX} bytes`);
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
    if (bytes.length > body.end) throw new AnswerFormatError('unexpected bytes after the answer');
    this.#pending = null;
    return { status: statusOf(head), head, body: body.bytes };
  }

  /** Drops a partial answer, for a new connection. */
  reset(): void {
    this.#pending = null;
  }
}

/** A body, and the offset of the first byte after it. */
interface Body {
  readonly bytes: Buffer;
  readonly end: number;
}

/** Returns null while the body is incomplete. */
function readLength(bytes: Buffer, start: number, head: string): Body | null {
  const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(\r|$)/i.exec(head)?.[1];
  if (length === undefined)
    throw new AnswerFormatError(`answer has neither a content length nor chunks: ${firstLine(head)}`);
  const end = start + Number(length);
  return bytes.length < end ? null : { bytes: bytes.subarray(start, end), end };
}

/** RFC 9112, section 7.1, without trailers. Returns null while the body is incomplete. */
function readChunks(bytes: Buffer, start: number): Body | null {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd === -1) return null;
    const size = /^[0-9a-f]{1,6}(?=;|$)/i.exec(bytes.toString('latin1', at, lineEnd))?.[0];
    if (size === undefined) throw new AnswerFormatError('chunk has no valid size');
    const chunk = lineEnd + 2;
    const end = chunk + parseInt(size, 16) + 2;
    if (bytes.length < end) return null;
    if (bytes.toString('latin1', end - 2, end) !== '\r\n')
      throw new AnswerFormatError('chunk is not followed by a line break');
    if (end === chunk + 2) return { bytes: Buffer.concat(chunks), end };
    chunks.push(bytes.subarray(chunk, end - 2));
    at = end;
  }
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new AnswerFormatError(`not an HTTP/1 status line: ${firstLine(head)}`);
  return Number(status);
}

function firstLine(head: string): string {
  return (head.split('\r', 1)[0] ?? '').slice(0, 100);
}
