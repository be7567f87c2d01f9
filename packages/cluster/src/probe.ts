/** Questions to the ports of a cluster. None of them waits longer than a second or throws. */
import { createServer } from 'node:net';
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

/** Whether the process at `url` says that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** What the replica at `url` says of its role, null if it says nothing. */
export async function replicaStatus(url: string): Promise<ReplicaStatus | null> {
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return parseReplicaStatus(await response.json());
  } catch {
    return null;
  }
}
