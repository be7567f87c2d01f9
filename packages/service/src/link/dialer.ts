/** Keeps one link open to a url: dials, and dials again when it breaks, with a backoff of 20 to 500 ms. */
import { Redialer, type DialedFrames } from '@trireme/raft/frames';
import { LINK_HEADERS, handshakeHeaders, isName, refuseRole, type LinkIdentity } from '../rules/handshake.js';
import type { CertificateRole } from '../rules/roles.js';
import type { Log } from '../log.js';
import { FrameLink, frameLimits, type LinkLimits } from './frame-link.js';
import type { Link, LinkHandler } from './link.js';

export interface LinkDialerOptions extends LinkLimits {
  /** The other process's internal server, such as `http://127.0.0.1:8191`. */
  readonly url: string;
  readonly path: string;
  readonly identity: LinkIdentity;
  /** Who is to answer there, where there are certificates to tell. */
  readonly expects: CertificateRole;
  readonly handler: LinkHandler;
  readonly log: Log;
}

/** Keeps a link open from when it is started. */
export type Dialer = Pick<LinkDialer, 'start' | 'stop'>;

/** Makes what keeps a link open: over sockets unless a simulation has links of its own. */
export type MakeDialer = (options: LinkDialerOptions) => Dialer;

export const DIAL_SOCKETS: MakeDialer = (options) => new LinkDialer(options);

/** For one handshake. */
const DIAL_MS_MAX = 1_000;

export class LinkDialer {
  readonly #options: LinkDialerOptions;
  readonly #redialer: Redialer;
  #link: FrameLink | null = null;

  /** @throws FrameError `BAD_OPTION` if the url is none or a limit is out of its bounds. */
  constructor(options: LinkDialerOptions) {
    const { url, path, identity, expects, log } = options;
    const { tls = null } = identity;
    this.#options = options;
    this.#redialer = new Redialer({
      dial: {
        url,
        path,
        headers: handshakeHeaders(identity),
        timeoutMs: DIAL_MS_MAX,
        limits: frameLimits(options),
        tls: tls === null ? null : { source: tls, refuseServer: (name) => refuseRole(name, expects) },
      },
      hold: async (dialed) => this.#hold(dialed),
      failed: ({ code, message }) =>
        log.warn({ url, path, code, reason: message }, 'link cannot be opened; dialing on'),
    });
  }

  /** Begins to dial. Starting twice does nothing. */
  start(): void {
    this.#redialer.start();
  }

  /** Closes the link and dials no more; resolves once the handler was told. */
  async stop(): Promise<void> {
    const stopped = this.#redialer.stop();
    this.#link?.close('this process closed the link');
    await stopped;
  }

  /** The open link, or null while there is none. */
  get link(): Link | null {
    return this.#link !== null && !this.#link.closed ? this.#link : null;
  }

  async #hold(dialed: DialedFrames): Promise<void> {
    const { handler, log } = this.#options;
    const peer = dialed.headers[LINK_HEADERS.name];
    if (!isName(peer)) {
      dialed.connection.close('the other side gave no name');
      return;
    }
    const { frameBytesMax } = frameLimits(this.#options);
    this.#link = new FrameLink(dialed.connection, { peer, frameBytesMax, handler, log });
    this.#link.open();
    await this.#link.gone;
    this.#link = null;
  }
}
