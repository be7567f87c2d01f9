/** Probes of a cluster's ports that need no secret. None waits longer than a second or throws. */
import { createServer } from 'node:net';
import type { TlsMaterial } from '@trireme/service';
import { InternalClient } from './internal-client.js';
import { parseReplicaStatus, type ReplicaRoleAndTerm } from '../rules/leader.js';

const TIMEOUT_MS = 1000;

/** Whether nothing listens on a loopback port. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Reads readiness and status of processes, until it is closed. */
export class Probe {
  readonly #calls: InternalClient;

  /** @param tls certificates for https URLs; called for each connection */
  constructor(tls: () => TlsMaterial | null = () => null) {
    this.#calls = new InternalClient({
      secret: null,
      get tls() {
        return tls();
      },
    });
  }

  /** Whether the process at `url` is ready. */
  async isReady(url: string): Promise<boolean> {
    return (await this.#calls.requestJson(`${url}/readyz`, TIMEOUT_MS))?.status === 200;
  }

  /** Role and term of the replica at `url`; null if it does not answer. */
  async replicaStatus(url: string): Promise<ReplicaRoleAndTerm | null> {
    return parseReplicaStatus((await this.#calls.requestJson(`${url}/status`, TIMEOUT_MS))?.body);
  }

  async close(): Promise<void> {
    await this.#calls.close();
  }
}
