/**
 * Receives one snapshot: the body of a POST, read as fast as the handler consumes it. Meanwhile interim
 * responses (102, RFC 2518) report progress to the sender, whose own socket may be idle while a proxy buffers
 * data in front of a slow link.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RaftError } from '../core/errors.js';
import type { NodeId } from '../core/types.js';
import { refuseSocket } from '../frames/index.js';
import { decodeSnapshot } from './snapshot-frames.js';
import type { IncomingSnapshot } from './transport.js';

interface ReceiveOptions {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The transfer fails after this time without progress, in milliseconds. */
  readonly stallMsMax: number;
  readonly take: (snapshot: IncomingSnapshot) => Promise<void>;
}

/** Passes a snapshot to `take`, and answers the request with the outcome. Never rejects. */
export async function receiveSnapshot(
  request: IncomingMessage,
  response: ServerResponse,
  { from, to, stallMsMax, take }: ReceiveOptions,
): Promise<void> {
  const progress = new ProgressReports(response, stallMsMax);
  // Discards a partial snapshot if the peer sends nothing or the network is broken.
  request.setTimeout(stallMsMax, () => request.destroy(new Error(`no progress for ${stallMsMax} ms`)));
  const source = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    const { term, base, chunks } = await decodeSnapshot(progress.of(source));
    const cancel = (): void => void request.destroy(new Error('replaced by a newer snapshot'));
    await take({ from, to, term, base, chunks, cancel });
    progress.end();
    response.writeHead(200, { connection: 'close' }).end();
  } catch (error) {
    progress.end();
    const message = error instanceof Error ? error.message : String(error);
    const isRefusal = error instanceof RaftError && error.code === 'SNAPSHOT_REFUSED';
    const refusal = isRefusal
      ? { httpStatus: 409, status: 'SNAPSHOT_REFUSED', message }
      : { httpStatus: 400, status: 'SNAPSHOT_FAILED', message };
    refuseSocket(request.socket, refusal);
    await discard(source);
  }
}

/** Progress is reported this many times within the stall limit. */
const REPORTS_PER_STALL = 4;
/**
 * After the last byte, making the snapshot durable and installing it may take this many times the stall
 * limit.
 */
const INSTALL_STALLS_MAX = 10;

/**
 * Reports progress to the sender: that more bytes were consumed, or that the complete snapshot is being
 * processed.
 */
class ProgressReports {
  readonly #response: ServerResponse;
  readonly #ticker: NodeJS.Timeout;
  /** Whether bytes were consumed since the last report. */
  #hasProgress = false;
  /** Remaining reports after the last byte; 0 until all bytes were received. */
  #installReports = 0;

  constructor(response: ServerResponse, stallMsMax: number) {
    this.#response = response;
    this.#ticker = setInterval(() => this.#report(), stallMsMax / REPORTS_PER_STALL);
    this.#ticker.unref();
  }

  /** Passes the bytes on. They are read only on demand, so a hung handler makes no progress. */
  async *of(source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      this.#hasProgress = true;
      yield next.value;
    }
    this.#installReports = INSTALL_STALLS_MAX * REPORTS_PER_STALL;
  }

  end(): void {
    clearInterval(this.#ticker);
  }

  #report(): void {
    if (!this.#hasProgress && this.#installReports === 0) return;
    if (!this.#hasProgress) this.#installReports -= 1;
    this.#hasProgress = false;
    this.#response.writeProcessing();
  }
}

/**
 * Reads the rest of the body, because unread bytes could discard the response; the socket is destroyed soon
 * anyway.
 */
async function discard(source: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await source.next()).done !== true);
  } catch {
    // The body was cut off: there is nothing left to read.
  }
}
