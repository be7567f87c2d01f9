/** Keeps a connection to a URL open: dials, and dials again with a backoff whenever it breaks. */
import { Backoff } from './backoff.js';
import { checkFrameLimits } from './connection.js';
import { dialFrames, type DialedFrames, type FrameDialOptions } from './dial.js';
import { FrameError } from './errors.js';
import { presentedVersion, tryVersions, type HandshakeProtocol } from './handshake.js';
import { tlsRequestOptions } from './tls.js';

/** The target of a redialer, and its callbacks. */
export interface RedialerOptions {
  /** Where to dial, and how. */
  readonly dial: Omit<FrameDialOptions, 'signal' | 'headers'>;
  /** The protocol of the handshake. */
  readonly protocol: HandshakeProtocol;
  /** The versions to present, newest first: each dial begins with the first one. Called for each dial. */
  readonly versions: () => readonly number[];
  /** Headers of the handshake in this version, besides `connection` and `upgrade`. */
  readonly headers: (version: number) => Readonly<Record<string, string>>;
  /** Takes over an open connection, starts it, and resolves once it is closed. A rejection is not caught. */
  readonly serve: (dialed: VersionedFrames) => Promise<void>;
  /** Called for a failed dial, unless the previous one failed for the same reason. */
  readonly onDialFailure: (error: FrameError) => void;
  /** Uniform in [0, 1); `Math.random` unless given. */
  readonly random?: () => number;
  /** Monotonic milliseconds; `performance.now` unless given. */
  readonly now?: () => number;
}

/** An open connection, and the version that it speaks. */
export interface VersionedFrames extends DialedFrames {
  /** The version that the server accepted. */
  readonly version: number;
}

/** The backoff between two dials, in milliseconds. */
const BACKOFF_MS = { msMin: 20, msMax: 500 };

/** A connection that stayed open for at least this time, in milliseconds, resets the backoff. */
const STABLE_MS = 1_000;

/** Keeps one connection to one URL open. */
export class Redialer {
  readonly #options: RedialerOptions;
  readonly #now: () => number;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #lastFailure: string | null = null;
  #endDelay: () => void = () => undefined;

  /** @throws FrameError `BAD_OPTION` if the URL is invalid or a limit is out of its bounds. */
  constructor(options: RedialerOptions) {
    const { url, path, limits, tls = null } = options.dial;
    if (!URL.canParse(path, url)) throw new FrameError('BAD_OPTION', `invalid URL: ${url}`);
    tlsRequestOptions(new URL(path, url), tls);
    checkFrameLimits(limits);
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#backoff = new Backoff({ ...BACKOFF_MS, random: options.random ?? Math.random });
  }

  /** Starts dialing. Starting twice does nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resets the backoff and ends the current delay. Called when the server is known to be reachable again. */
  dialNow(): void {
    this.#backoff.reset();
    this.#endDelay();
  }

  /** Stops dialing. Resolves once `hold` has resolved for an open connection, if there is one. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endDelay();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const dialed = await this.#dial(signal);
      if (dialed !== null) await this.#hold(dialed, signal);
      await this.#delay(this.#backoff.next(), signal);
    }
  }

  /**
   * Dials with the newest version and, if the server refuses it, with the previous one. A server that was upgraded in
   * between is dialed again.
   */
  async #dial(signal: AbortSignal): Promise<VersionedFrames | null> {
    const { dial, protocol, versions, headers } = this.#options;
    try {
      const spoken = versions();
      const dialed = await tryVersions(spoken, async (version) => ({
        ...(await dialFrames({ ...dial, headers: headers(version), signal })),
        version,
      }));
      const isUpgraded = presentedVersion(protocol, dialed.headers) === protocol.version;
      if (dialed.version === protocol.version || !isUpgraded) return dialed;
      dialed.connection.close('the server has been upgraded');
      return null;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      if (error.code !== 'DIAL_ABORTED' && error.message !== this.#lastFailure) {
        this.#lastFailure = error.message;
        this.#options.onDialFailure(error);
      }
      return null;
    }
  }

  async #hold(dialed: VersionedFrames, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      dialed.connection.close('stopped while dialing');
      return;
    }
    this.#lastFailure = null;
    const openedAt = this.#now();
    await this.#options.serve(dialed);
    if (this.#now() - openedAt >= STABLE_MS) this.#backoff.reset();
  }

  async #delay(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endDelay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endDelay = () => undefined;
  }
}
