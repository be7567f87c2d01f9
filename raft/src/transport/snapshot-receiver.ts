/**
 * Receives one snapshot: the body of a POST, read as fast as the handler takes it. Meanwhile interim answers (102, RFC 2518)
 * tell the sender that the snapshot moves on: the sender's own socket may have nothing left to do, where a proxy on the way
 * holds what a slow link has yet to carry.
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
  /** How long the transfer may stand still, in milliseconds. */
  readonly stallMsMax: number;
  readonly take: (snapshot: IncomingSnapshot) => Promise<void>;
}

/** Hands a snapshot to `take`, and answers with what came of it. Never rejects. */
export async function receiveSnapshot(
  request: IncomingMessage,
  response: ServerResponse,
  { from, to, stallMsMax, take }: ReceiveOptions,
): Promise<void> {
  const progress = new ProgressReports(response, stallMsMax);
  // A peer that is there and sends nothing, or a broken network: then what is half received must not stay.
  request.setTimeout(stallMsMax, () => request.destroy(new Error(`no progress for ${stallMsMax} ms`)));
  const source = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    const { term, base, chunks } = await decodeSnapshot(progress.of(source));
    const cancel = (): void => void request.destroy(new Error('another one takes its place'));
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

/** Reports a stall's worth of time, in parts. */
const REPORTS_PER_STALL = 4;
/** Stalls, at most, that it may take to make a snapshot durable and install it once all of it has come. */
const INSTALL_STALLS_MAX = 10;

/** Tells the sender, some times within a stall, that more of the snapshot was taken, or all of it is being worked on. */
class ProgressReports {
  readonly #response: ServerResponse;
  readonly #ticker: NodeJS.Timeout;
  /** Whether bytes were taken since the last report. */
  #hasMoved = false;
  /** Reports that may yet come though no more bytes can; 0 until all have come. */
  #installReports = 0;

  constructor(response: ServerResponse, stallMsMax: number) {
    this.#response = response;
    this.#ticker = setInterval(() => this.#report(), stallMsMax / REPORTS_PER_STALL);
    this.#ticker.unref();
  }

  /** The same bytes. They are read only as the handler asks for them: one that hangs takes none. */
  async *of(source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      this.#hasMoved = true;
      yield next.value;
    }
    this.#installReports = INSTALL_STALLS_MAX * REPORTS_PER_STALL;
  }

  end(): void {
    clearInterval(this.#ticker);
  }

  #report(): void {
    if (!this.#hasMoved && this.#installReports === 0) return;
    if (!this.#hasMoved) this.#installReports -= 1;
    this.#hasMoved = false;
    this.#response.writeProcessing();
  }
}

/** Reads what is still coming, so that the answer is not lost with it; the socket does not stay open for long. */
async function discard(source: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await source.next()).done !== true);
  } catch {
    // It was cut off, which is as good.
  }
}
