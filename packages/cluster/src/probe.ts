/** Questions to the ports of a cluster that need no secret. None of them waits longer than a second or throws. */
import { createServer } from 'node:net';
import type { TlsMaterial } from '@trireme/service';
import { InternalCalls } from './internal-calls.js';
import { parseReplicaStatus, type ReplicaStatus } from './rules/leader.js';

const TIMEOUT_MS = 1000;

/** Whether nothing listens on a loopback port. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Asks processes how they are, until it is closed. */
export class Probe {
  readonly #calls: InternalCalls;

  /** @param tls gives what is needed for urls with https, and not used for others; asked for each connection */
  constructor(tls: () => TlsMaterial | null = () => null) {
    this.#calls = new InternalCalls({
      secret: null,
      get tls() {
        return tls();
      },
    });
  }

  /** Whether the process at `url` says that it is ready. */
  async isReady(url: string): Promise<boolean> {
    return (await this.#calls.ask(`${url}/readyz`, TIMEOUT_MS))?.status === 200;
  }

  /** What the replica at `url` says of its role, null if it says nothing. */
  async replicaStatus(url: string): Promise<ReplicaStatus | null> {
    return parseReplicaStatus((await this.#calls.ask(`${url}/status`, TIMEOUT_MS))?.body);
  }

  async close(): Promise<void> {
    await this.#calls.close();
  }
}
