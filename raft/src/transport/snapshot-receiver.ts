/** Receives one snapshot: the body of a POST, read as fast as the handler takes it. */
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
  // A peer that is there and sends nothing, or a broken network: then what is half received must not stay.
  request.setTimeout(stallMsMax, () => request.destroy(new Error(`no progress for ${stallMsMax} ms`)));
  const source = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    const { term, base, chunks } = await decodeSnapshot({ [Symbol.asyncIterator]: () => source });
    const cancel = (): void => void request.destroy(new Error('another one takes its place'));
    await take({ from, to, term, base, chunks, cancel });
    response.writeHead(200, { connection: 'close' }).end();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isRefusal = error instanceof RaftError && error.code === 'SNAPSHOT_REFUSED';
    const refusal = isRefusal
      ? { httpStatus: 409, status: 'SNAPSHOT_REFUSED', message }
      : { httpStatus: 400, status: 'SNAPSHOT_FAILED', message };
    refuseSocket(request.socket, refusal);
    await discard(source);
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
