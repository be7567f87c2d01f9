/** Keeps one link open to a url: dials, and dials again when it breaks, with a backoff. */
import { Backoff, FrameError, checkFrameLimits, dialFrames, type DialedFrames } from '@trireme/raft/frames';
import { LINK_HEADERS, handshakeHeaders, isName, type LinkIdentity } from '../rules/handshake.js';
import type { Log } from '../log.js';
import { FrameLink, frameLimits, type LinkLimits } from './frame-link.js';
import type { Link, LinkHandler } from './link.js';

export interface LinkDialerOptions extends LinkLimits {
  /** The other process's internal server, such as `http://127.0.0.1:8191`. */
  readonly url: string;
  readonly path: string;
  readonly identity: LinkIdentity;
  readonly handler: LinkHandler;
  readonly log: Log;
}

/** For one handshake. */
const DIAL_MS_MAX = 1_000;

/** A link that stood for this long, in milliseconds, was a good one: after it, the backoff begins anew. */
const SETTLED_MS = 1_000;

export class LinkDialer {
  readonly #options: LinkDialerOptions;
  readonly #backoff = new Backoff({ msMin: 20, msMax: 500, random: Math.random });
  readonly #stopping = new AbortController();
  #link: FrameLink | null = null;
  #running: Promise<void> | null = null;
  /** The last failure that was logged: the same one again is not, however often it comes. */
  #lastFailure: string | null = null;

  /** @throws TypeError if the url is none, FrameError `BAD_OPTION` if a limit is out of its bounds. */
  constructor(options: LinkDialerOptions) {
    new URL(options.path, options.url);
    checkFrameLimits(frameLimits(options));
    this.#options = options;
  }

  /** Begins to dial. Starting twice does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Closes the link and dials no more; resolves once the handler was told. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#link?.close('this process closed the link');
    await this.#running;
  }

  /** The open link, or null while there is none. */
  get link(): Link | null {
    return this.#link !== null && !this.#link.closed ? this.#link : null;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const openedAt = await this.#holdOneLink();
      if (openedAt !== null && performance.now() - openedAt >= SETTLED_MS) this.#backoff.reset();
      await this.#pause(this.#backoff.next());
    }
  }

  /** Dials once and waits until the link is closed again. Returns when it was opened, or null if it was not. */
  async #holdOneLink(): Promise<number | null> {
    const dialed = await this.#dial();
    if (dialed === null) return null;
    const { handler, log } = this.#options;
    const peer = dialed.headers[LINK_HEADERS.name];
    if (this.#stopping.signal.aborted || !isName(peer)) {
      dialed.connection.close('the link is not wanted');
      return null;
    }
    this.#lastFailure = null;
    const openedAt = performance.now();
    const { frameBytesMax } = frameLimits(this.#options);
    this.#link = FrameLink.open(dialed.connection, { peer, frameBytesMax, handler, log });
    await this.#link.gone;
    this.#link = null;
    return openedAt;
  }

  async #dial(): Promise<DialedFrames | null> {
    const { url, path, identity, log } = this.#options;
    try {
      return await dialFrames({
        url,
        path,
        headers: handshakeHeaders(identity),
        timeoutMs: DIAL_MS_MAX,
        limits: frameLimits(this.#options),
        signal: this.#stopping.signal,
      });
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (error.code !== 'DIAL_ABORTED' && error.message !== this.#lastFailure) {
        this.#lastFailure = error.message;
        log.warn({ url, path, code: error.code, reason: error.message }, 'link cannot be opened; dialing on');
      }
      return null;
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}
