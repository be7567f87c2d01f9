/** What the tests of the HTTP transport share. */
import type { NodeId } from '../../core/types.js';
import { Recorder } from '../conformance.js';
import type { TransportEvent } from '../events.js';
import type { HttpTransportOptions } from '../http-options.js';
import { HttpTransport } from '../http-transport.js';

/** The secret of the members. */
export const SECRET = 'a secret of the cluster';
const FIVE_SECONDS = 5_000;

/** Waits for a condition, at most five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + FIVE_SECONDS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A transport with what its handler and its owner were told. */
export class Member {
  readonly recorder = new Recorder();
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

  has<T extends TransportEvent['type']>(
    type: T,
    test: (event: TransportEvent & { type: T }) => boolean,
  ): boolean {
    return this.events.some((event) => event.type === type && test(event as TransportEvent & { type: T }));
  }
}
