/** The errors of this folder: one class with a stable `code`. */

/** The stable codes of errors. */
export type FrameErrorCode =
  /** A frame is longer than `frameBytesMax`. */
  | 'FRAME_TOO_LARGE'
  /** A received frame does not match its checksum. */
  | 'FRAME_DAMAGED'
  /** An empty frame was passed to `send`; empty frames are reserved for keep-alives. */
  | 'FRAME_EMPTY'
  /** A limit or a URL is invalid. */
  | 'BAD_OPTION'
  /** The server could not be reached, or does not support the protocol. */
  | 'DIAL_FAILED'
  /** The handshake did not complete in time. */
  | 'DIAL_TIMEOUT'
  /** The server answered the handshake with an error; see `refusal`. */
  | 'DIAL_REFUSED'
  /** The caller aborted the handshake by its signal. */
  | 'DIAL_ABORTED';

/** The reason for refusing a handshake, sent as `{"error":{"code","message","status"}}`. */
export interface FrameRefusal {
  /** HTTP status, 400 to 599. */
  readonly httpStatus: number;
  /** A stable word, such as `WRONG_CLUSTER`. */
  readonly status: string;
  /** What happened and what to do, for people. */
  readonly message: string;
}

/** Thrown when a frame cannot be sent or read, or a connection cannot be opened; `code` gives the reason. */
export class FrameError extends Error {
  /** Always `FrameError`. */
  override readonly name = 'FrameError';
  /** The reason, for programs. */
  readonly code: FrameErrorCode;
  /** The server's refusal with code `DIAL_REFUSED`; otherwise null. */
  readonly refusal: FrameRefusal | null;

  /** @param options.refusal the refusal of the server, with code `DIAL_REFUSED` */
  constructor(
    code: FrameErrorCode,
    message: string,
    options: ErrorOptions & { refusal?: FrameRefusal } = {},
  ) {
    super(message, options);
    this.code = code;
    this.refusal = options.refusal ?? null;
  }
}
