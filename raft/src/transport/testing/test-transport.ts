/** Shared by the tests of the HTTP transport. */
import type { NodeId } from '../../core/types.js';
import { RecordingHandler } from '../conformance.js';
import type { TransportEvent } from '../events.js';
import type { HttpTransportOptions } from '../http-options.js';
import { HttpTransport } from '../http-transport.js';

/** The secret of the members. */
export const SECRET = 'a secret of the cluster';
const FIVE_SECONDS = 5_000;

/** Waits until a condition is true, at most five seconds. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + FIVE_SECONDS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A transport, with the recorded calls of its handler and its events. */
export class TestTransport {
  readonly recorder = new RecordingHandler();
  readonly events: TransportEvent[] = [];
  readonly transport: HttpTransport;

  constructor(id: NodeId, peers: Record<NodeId, string>, options: Partial<HttpTransportOptions> = {}) {
    this.transport = new HttpTransport({
      id,
      cluster: 'test',
      secret: SECRET,
      listen: { host: '127.0.0.1', port: 0 },
      peers: new Map(Object.entries(peers)),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  async start(): Promise<this> {
    await this.transport.start(this.recorder);
    return this;
  }

  hasEvent<T extends TransportEvent['type']>(
    type: T,
    test: (event: TransportEvent & { type: T }) => boolean,
  ): boolean {
    return this.events.some((event) => event.type === type && test(event as TransportEvent & { type: T }));
  }
}
