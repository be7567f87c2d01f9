/** Accepts links of one kind at one path of an internal server. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  acceptFrames,
  checkPeerCertificate,
  clientAddress,
  spokenVersions,
  type FrameRefusal,
} from '@trireme/raft/frames';
import {
  ALL_LINK_VERSIONS,
  HANDSHAKE_HEADERS,
  LINK_PROTOCOL,
  checkHandshake,
  linkVersion,
  responseHeaders,
  type LinkIdentity,
} from './handshake.js';
import type { Log } from '../log.js';
import type { CertificateRole } from '../rules/roles.js';
import { Counter } from '../metrics/counter.js';
import { LogThrottle } from '../rules/throttle.js';
import type { LinkHandler } from './link.js';
import { FrameLink, frameLimits, type LinkLimits } from './frame-link.js';

/** Options of a `LinkListener`. */
export interface LinkListenerOptions extends LinkLimits {
  /** Path of the handshake, such as `/links/frontend`. */
  readonly path: string;
  readonly identity: LinkIdentity;
  /** Role that the dialer's certificate must have; not checked without certificates. */
  readonly clientRole: CertificateRole;
  readonly handler: LinkHandler;
  readonly log: Log;
  /** Maximum number of open links (default 256). Further ones are refused with 503 `TOO_MANY_LINKS`. */
  readonly linksMax?: number;
}

/** Accepts links; an `InternalServer` passes the upgrade requests at its path to it. */
export class LinkListener {
  /** Path of the handshake. */
  readonly path: string;
  readonly #options: LinkListenerOptions;
  readonly #linksMax: number;
  readonly #links = new Set<FrameLink>();
  /** Number of refused handshakes by path and status. */
  readonly refusals = new Counter();
  /** Limits the log lines that anyone who can reach the port can cause. */
  readonly #throttle = new LogThrottle();
  #isClosed = false;
  #versions = ALL_LINK_VERSIONS;

  constructor(options: LinkListenerOptions) {
    this.path = options.path;
    this.#options = options;
    this.#linksMax = options.linksMax ?? 256;
  }

  /** Number of open links. */
  get openCount(): number {
    return this.#links.size;
  }

  /** The cluster has switched to the newest version: closes links that speak the previous one, and refuses further ones. */
  requireNewestVersion(): void {
    this.#versions = spokenVersions(LINK_PROTOCOL, true);
    for (const link of [...this.#links]) {
      if (!this.#versions.includes(link.version)) link.close('the cluster has switched to a newer version');
    }
  }

  /** Handles an `upgrade` event of the server: opens a link, or answers with an error as JSON. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { identity, clientRole, handler, log } = this.#options;
    const limits = frameLimits(this.#options);
    const certificate = (identity.tls ?? null) === null ? null : checkPeerCertificate(socket);
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits,
      headers: responseHeaders(identity),
      authorize: ({ headers }) => {
        const refusal =
          this.#refuseLink() ?? checkHandshake(identity, headers, clientRole, certificate, this.#versions);
        if (refusal !== null) {
          this.refusals.increment({ path: this.path, status: refusal.status });
          const suppressed = this.#throttle.suppressedIfDue(refusal.status, performance.now());
          const from = clientAddress(request.socket);
          if (suppressed !== null) log.warn({ path: this.path, from, refusal, suppressed }, 'link refused');
        }
        return refusal;
      },
    });
    if (connection === null) return;
    const peer = String(request.headers[HANDSHAKE_HEADERS.name]);
    const version = linkVersion(request.headers);
    const { frameBytesMax } = limits;
    const link = new FrameLink(connection, { peer, version, frameBytesMax, handler, log });
    this.#links.add(link);
    void link.whenClosed.then(() => this.#links.delete(link));
    link.open();
  }

  /** Closes every link and refuses further ones. Resolves after the handler was notified of each. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    const links = [...this.#links];
    for (const link of links) link.close(reason);
    await Promise.all(links.map(async (link) => link.whenClosed));
  }

  /** Why no further link is accepted; null if one is. */
  #refuseLink(): FrameRefusal | null {
    if (this.#isClosed)
      return { httpStatus: 503, status: 'UNAVAILABLE', message: 'this process is stopping' };
    if (this.#links.size < this.#linksMax) return null;
    return {
      httpStatus: 503,
      status: 'TOO_MANY_LINKS',
      message: `too many links are open, the limit is ${this.#linksMax}`,
    };
  }
}
