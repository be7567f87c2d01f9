/** Sends one snapshot: a POST to the peer's port, written as fast as the way there takes it. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RaftError } from '../core/errors.js';
import { readRefusal, tlsRequestOptions, type DialTls } from '../frames/index.js';
import { SNAPSHOT_PATH } from './handshake.js';
import { encodeSnapshot } from './snapshot-frames.js';
import type { SnapshotTransfer } from './transport.js';

interface SendOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: DialTls | null;
  /** How long the transfer may stand still, in milliseconds: nothing leaves here, and the peer does not say that it took more. */
  readonly stallMsMax: number;
  readonly signal: AbortSignal;
}

/**
 * Resolves once the peer has the snapshot, durably.
 * @throws RaftError `SNAPSHOT_REFUSED` saying why not; what the snapshot's own chunks throw.
 */
export async function postSnapshot(transfer: SnapshotTransfer, options: SendOptions): Promise<void> {
  const { signal, stallMsMax } = options;
  if (signal.aborted) throw failed('it was given up');
  const url = new URL(SNAPSHOT_PATH, options.url);
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    ...tlsRequestOptions(url, options.tls),
    method: 'POST',
    agent: false,
    headers: { ...options.headers, 'content-type': 'application/octet-stream' },
  });
  const outcome = outcomeOf(request);
  const abort = (): void => void request.destroy(new Error('it was given up'));
  signal.addEventListener('abort', abort);
  // Of a socket: no byte in either direction. The peer sends some whenever it took more (snapshot-receiver.ts), however slow
  // the way to it and whatever a proxy holds; one that takes nothing more fails once what lies between is full.
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

/** Writes until all is written, or the peer has answered before that. */
async function writeBody(
  request: ClientRequest,
  { term, base, chunks }: SnapshotTransfer,
  outcome: Promise<unknown>,
): Promise<void> {
  const end = { isReached: false };
  const over = outcome.then(() => {
    end.isReached = true;
  });
  for await (const bytes of encodeSnapshot({ term, base }, chunks)) {
    if (end.isReached) return;
    if (!request.write(bytes)) await Promise.race([drained(request), over]);
  }
  request.end();
}

async function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => request.once('drain', resolve));
}

/** How the request ends: null if the snapshot was taken, else why not. Never rejects. */
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
  return new RaftError('SNAPSHOT_REFUSED', `the snapshot was not taken: ${why}`, { cause });
}
