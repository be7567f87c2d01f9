/** The errors of the frames: one class, told apart by a stable `code`. */

export type FrameErrorCode =
  /** A frame is longer than `frameBytesMax`. */
  | 'FRAME_TOO_LARGE'
  /** A frame that came in does not hold its checksum. */
  | 'FRAME_DAMAGED'
  /** A frame to be sent is empty, which is reserved for keep-alives. */
  | 'FRAME_EMPTY'
  /** A limit or a url is out of its bounds. */
  | 'BAD_OPTION'
  /** The other side could not be reached, or is no server of frames. */
  | 'DIAL_FAILED'
  /** The handshake was not done in time. */
  | 'DIAL_TIMEOUT'
  /** The other side answered the handshake with an error; `refusal` says which. */
  | 'DIAL_REFUSED'
  /** The dialer itself gave up by its abort signal. */
  | 'DIAL_ABORTED';

/** Why an acceptor refuses a handshake: answered as `{"error":{"code","message","status"}}`. */
export interface FrameRefusal {
  /** HTTP status, 400 to 599. */
  readonly httpStatus: number;
  /** A stable word, such as `WRONG_CLUSTER`. */
  readonly status: string;
  readonly message: string;
}

/** Thrown when a frame cannot be sent or read, or a connection cannot be opened; `code` says why. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code: FrameErrorCode;
  /** What the acceptor answered, with code `DIAL_REFUSED`; else null. */
  readonly refusal: FrameRefusal | null;

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
