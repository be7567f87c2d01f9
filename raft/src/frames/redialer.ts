/** Keeps one connection open to a url: dials, and dials again with a backoff whenever it breaks. */
import { Backoff } from './backoff.js';
import { checkFrameLimits } from './connection.js';
import { dialFrames, type DialedFrames, type FrameDialOptions } from './dial.js';
import { FrameError } from './errors.js';
import { tlsRequestOptions } from './tls.js';

/** What is dialed, and who holds each connection until it closes. */
export interface RedialerOptions {
  readonly dial: Omit<FrameDialOptions, 'signal'>;
  /** Takes over an open connection, starts it, and resolves once it is closed. A rejection is not caught. */
  readonly hold: (dialed: DialedFrames) => Promise<void>;
  /** Told of a dial that failed, unless the one before failed for the same reason. */
  readonly failed: (error: FrameError) => void;
  /** Uniform in [0, 1); `Math.random` unless given. */
  readonly random?: () => number;
  /** Monotonic milliseconds; `performance.now` unless given. */
  readonly now?: () => number;
}

/** Between two dials, in milliseconds: from the first, doubling to the last, with jitter. */
const BACKOFF_MS = { msMin: 20, msMax: 500 };

/** A connection that stood for this long, in milliseconds, was a good one: after it, the backoff begins anew. */
const SETTLED_MS = 1_000;

/** One connection to one url, again and again. */
export class Redialer {
  readonly #options: RedialerOptions;
  readonly #now: () => number;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #lastFailure: string | null = null;
  #endPause: () => void = () => undefined;

  /** @throws FrameError `BAD_OPTION` if the url is none or a limit is out of its bounds. */
  constructor(options: RedialerOptions) {
    const { url, path, limits, tls = null } = options.dial;
    if (!URL.canParse(path, url))
      throw new FrameError('BAD_OPTION', `cannot dial ${url}${path}: it is no url`);
    tlsRequestOptions(new URL(path, url), tls);
    checkFrameLimits(limits);
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#backoff = new Backoff({ ...BACKOFF_MS, random: options.random ?? Math.random });
  }

  /** Begins to dial. Starting twice does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the wait for the next dial, if there is one: for who has learnt that the other side is there again. */
  dialNow(): void {
    this.#backoff.reset();
    this.#endPause();
  }

  /** Dials no more; resolves once the connection that is held, if any, was closed by its holder. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endPause();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const dialed = await this.#dial(signal);
      if (dialed !== null) await this.#hold(dialed, signal);
      await this.#pause(this.#backoff.next(), signal);
    }
  }

  async #dial(signal: AbortSignal): Promise<DialedFrames | null> {
    try {
      return await dialFrames({ ...this.#options.dial, signal });
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (error.code !== 'DIAL_ABORTED' && error.message !== this.#lastFailure) {
        this.#lastFailure = error.message;
        this.#options.failed(error);
      }
      return null;
    }
  }

  async #hold(dialed: DialedFrames, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      dialed.connection.close('stopped while dialing');
      return;
    }
    this.#lastFailure = null;
    const openedAt = this.#now();
    await this.#options.hold(dialed);
    if (this.#now() - openedAt >= SETTLED_MS) this.#backoff.reset();
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = () => undefined;
  }
}
