/** Keeps a link open to a URL. It dials again when the link breaks, with a backoff of 20 to 500 ms. */
import { Redialer, type VersionedFrames } from '@trireme/raft/frames';
import {
  ALL_LINK_VERSIONS,
  HANDSHAKE_HEADERS,
  LINK_PROTOCOL,
  handshakeHeaders,
  isName,
  roleProblem,
  type LinkIdentity,
} from './handshake.js';
import type { CertificateRole } from '../rules/roles.js';
import type { Log } from '../log.js';
import { FrameLink, frameLimits, type LinkLimits } from './frame-link.js';
import type { Link, LinkHandler } from './link.js';

/** Options of a `LinkDialer`. */
export interface LinkDialerOptions extends LinkLimits {
  /** URL of the other process's internal port, such as `http://127.0.0.1:8191`. */
  readonly url: string;
  readonly path: string;
  readonly identity: LinkIdentity;
  /** Role that the server's certificate must have; not checked without certificates. */
  readonly serverRole: CertificateRole;
  readonly handler: LinkHandler;
  readonly log: Log;
}

/** Keeps a link open once it is started. */
export type Dialer = Pick<LinkDialer, 'start' | 'stop'>;

/** Creates a dialer. A simulation supplies its own, without sockets. */
export type CreateDialer = (options: LinkDialerOptions) => Dialer;

/** Creates a dialer over sockets. */
export const createSocketDialer: CreateDialer = (options) => new LinkDialer(options);

/** Time limit of a handshake, in milliseconds. */
const DIAL_MS_MAX = 1_000;

/** Keeps one link open. The handler gets its messages, and each time it opens or closes. */
export class LinkDialer {
  readonly #options: LinkDialerOptions;
  readonly #redialer: Redialer;
  #link: FrameLink | null = null;

  /** @throws FrameError `BAD_OPTION` if the URL is invalid or a limit is out of its bounds. */
  constructor(options: LinkDialerOptions) {
    const { url, path, identity, serverRole, log } = options;
    const { tls = null } = identity;
    this.#options = options;
    this.#redialer = new Redialer({
      dial: {
        url,
        path,
        timeoutMs: DIAL_MS_MAX,
        limits: frameLimits(options),
        tls: tls === null ? null : { source: tls, checkServerName: (name) => roleProblem(name, serverRole) },
      },
      protocol: LINK_PROTOCOL,
      // A server that the cluster's switch has reached refuses the previous version by itself.
      versions: () => ALL_LINK_VERSIONS,
      headers: (version) => handshakeHeaders(identity, version),
      serve: async (dialed) => this.#hold(dialed),
      onDialFailure: ({ code, message }) =>
        log.warn({ url, path, code, reason: message }, 'cannot open link, retrying'),
    });
  }

  /** Starts dialing. A second call does nothing. */
  start(): void {
    this.#redialer.start();
  }

  /** Closes the link and stops dialing. Resolves after the handler was notified. */
  async stop(): Promise<void> {
    const stopped = this.#redialer.stop();
    this.#link?.close('this process closed the link');
    await stopped;
  }

  /** The open link; null while there is none. */
  get link(): Link | null {
    return this.#link !== null && !this.#link.isClosed ? this.#link : null;
  }

  async #hold(dialed: VersionedFrames): Promise<void> {
    const { handler, log } = this.#options;
    const peer = dialed.headers[HANDSHAKE_HEADERS.name];
    if (!isName(peer)) {
      dialed.connection.close('the server sent no valid name');
      return;
    }
    const { frameBytesMax } = frameLimits(this.#options);
    this.#link = new FrameLink(dialed.connection, {
      peer,
      version: dialed.version,
      frameBytesMax,
      handler,
      log,
    });
    this.#link.open();
    await this.#link.whenClosed;
    this.#link = null;
  }
}
