/** Accepts links of one kind on one path of an internal server. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { acceptFrames, certificateOf, type FrameRefusal } from '@trireme/raft/frames';
import { LINK_HEADERS, refuseHandshake, type LinkIdentity } from '../rules/handshake.js';
import type { Log } from '../log.js';
import type { CertificateRole } from '../rules/roles.js';
import { Tally } from '../metrics/tally.js';
import { Throttle } from '../rules/throttle.js';
import type { LinkHandler } from './link.js';
import { FrameLink, frameLimits, type LinkLimits } from './frame-link.js';

export interface LinkListenerOptions extends LinkLimits {
  /** Path of the handshake, such as `/links/frontend`. */
  readonly path: string;
  readonly identity: LinkIdentity;
  /** Who may open it, where there are certificates to tell. */
  readonly admits: CertificateRole;
  readonly handler: LinkHandler;
  readonly log: Log;
  /** Links open at once; a further one is refused with 503 `TOO_MANY_LINKS`. 256 unless set. */
  readonly linksMax?: number;
}

export class LinkListener {
  readonly path: string;
  readonly #options: LinkListenerOptions;
  readonly #linksMax: number;
  readonly #links = new Set<FrameLink>();
  /** Refused handshakes, by the stable word of the reason. */
  readonly refused = new Tally();
  /** Whoever can reach the port can cause these lines. */
  readonly #throttle = new Throttle();
  #closed = false;

  constructor(options: LinkListenerOptions) {
    this.path = options.path;
    this.#options = options;
    this.#linksMax = options.linksMax ?? 256;
  }

  /** Links open now. */
  get open(): number {
    return this.#links.size;
  }

  /** Answers one `upgrade` event of the server: opens a link or refuses it as JSON. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { identity, admits, handler, log } = this.#options;
    const limits = frameLimits(this.#options);
    const certificate = (identity.tls ?? null) === null ? null : certificateOf(socket);
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits,
      headers: { [LINK_HEADERS.name]: identity.name },
      authorize: ({ headers }) => {
        const refusal = this.#full() ?? refuseHandshake(identity, headers, admits, certificate);
        if (refusal !== null) {
          this.refused.add({ path: this.path, status: refusal.status });
          const untold = this.#throttle.due(refusal.status, performance.now());
          const from = socketAddress(request);
          if (untold !== null) log.warn({ path: this.path, from, refusal, untold }, 'link refused');
        }
        return refusal;
      },
    });
    if (connection === null) return;
    const peer = String(request.headers[LINK_HEADERS.name]);
    const link = new FrameLink(connection, { peer, frameBytesMax: limits.frameBytesMax, handler, log });
    this.#links.add(link);
    void link.gone.then(() => this.#links.delete(link));
    link.open();
  }

  /** Closes every link and refuses further ones; resolves once the handler was told of each. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    const links = [...this.#links];
    for (const link of links) link.close(reason);
    await Promise.all(links.map(async (link) => link.gone));
  }

  #full(): FrameRefusal | null {
    if (this.#closed) return { httpStatus: 503, status: 'UNAVAILABLE', message: 'this process is stopping' };
    if (this.#links.size < this.#linksMax) return null;
    return {
      httpStatus: 503,
      status: 'TOO_MANY_LINKS',
      message: `${this.#linksMax} links are open, which is the bound`,
    };
  }
}

function socketAddress(request: IncomingMessage): string {
  return `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`;
}
