/** Sends one snapshot: a POST to the peer's port, written as fast as the connection accepts it. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { RaftError } from '../core/errors.js';
import { readRefusal } from '../frames/dial.js';
import { openRequest, type ClientTls } from '../frames/tls.js';
import { SNAPSHOT_PATH } from './handshake.js';
import { encodeSnapshot } from './snapshot-frames.js';
import type { SnapshotTransfer } from './transport.js';

interface SendOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls | null;
  /**
   * The transfer fails after this time without progress, in milliseconds: no bytes sent, and no report from
   * the peer.
   */
  readonly stallMsMax: number;
  readonly signal: AbortSignal;
}

/**
 * Sends a snapshot. Resolves once the peer has installed it durably.
 * @throws RaftError `SNAPSHOT_REFUSED` with the reason; errors of the snapshot's own chunks.
 */
export async function postSnapshot(transfer: SnapshotTransfer, options: SendOptions): Promise<void> {
  const { signal, stallMsMax } = options;
  if (signal.aborted) throw failed('it was aborted');
  const url = new URL(SNAPSHOT_PATH, options.url);
  const request = openRequest(url, options.tls, {
    method: 'POST',
    headers: { ...options.headers, 'content-type': 'application/octet-stream' },
  });
  const outcome = outcomeOf(request);
  const abort = (): void => void request.destroy(new Error('it was aborted'));
  signal.addEventListener('abort', abort);
  // The timeout fires when the socket has no traffic in either direction. The peer reports progress
  // (snapshot-receiver.ts) even behind a slow link or a buffering proxy; a peer that makes no progress fails
  // once all buffers are full.
  request.setTimeout(stallMsMax, () => void request.destroy(new Error(`no progress for ${stallMsMax} ms`)));
  try {
    await writeBody(request, transfer, outcome);
    const error = await outcome;
    if (error !== null) throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    request.destroy();
  }
}

/** Writes the body until it is complete, or the peer answers early. */
async function writeBody(
  request: ClientRequest,
  { term, base, chunks }: SnapshotTransfer,
  outcome: Promise<unknown>,
): Promise<void> {
  const answer = { hasArrived: false };
  const answered = outcome.then(() => {
    answer.hasArrived = true;
  });
  for await (const bytes of encodeSnapshot({ term, base }, chunks)) {
    if (answer.hasArrived) return;
    if (!request.write(bytes)) await Promise.race([drained(request), answered]);
  }
  request.end();
}

async function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => request.once('drain', resolve));
}

/** The outcome of the request: null if the snapshot was accepted, otherwise the error. Never rejects. */
async function outcomeOf(request: ClientRequest): Promise<RaftError | null> {
  return new Promise((resolve) => {
    request.on('error', (error) => resolve(failed(error.message, error)));
    request.on('close', () => resolve(failed('the connection was closed')));
    request.on('response', (response: IncomingMessage) => {
      if (response.statusCode === 200) {
        response.resume();
        resolve(null);
        return;
      }
      readRefusal(response, ({ status, message }) => resolve(failed(`${status}: ${message}`)));
    });
  });
}

function failed(why: string, cause?: unknown): RaftError {
  return new RaftError('SNAPSHOT_REFUSED', `the snapshot transfer failed: ${why}`, { cause });
}
