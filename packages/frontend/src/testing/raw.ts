/** Raw socket connections, for requests that no HTTP client would send. */
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  readonly received: () => string;
  readonly closed: Promise<string>;
}

/** Opens a connection and writes `bytes`. */
export function openRaw(url: string, bytes: string | Buffer): RawConnection {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => socket.destroy());
  const received = (): string => Buffer.concat(chunks).toString('latin1');
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(received())));
  socket.write(bytes);
  return { socket, received, closed };
}

/** Sends bytes and reads until the server closes the connection. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  return openRaw(url, bytes).closed;
}
