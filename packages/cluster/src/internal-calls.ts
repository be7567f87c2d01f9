/** Calls to the internal ports of a cluster: with its secret, and over mutual TLS where it has certificates. */
import { LINK_HEADERS, type TlsMaterial } from '@trireme/service';
import { Agent, buildConnector, fetch, request, type Response } from 'undici';

/** How the caller is known. */
export interface CallIdentity {
  /** Null for who asks for nothing that is guarded. */
  readonly secret: string | null;
  /**
   * An operator's certificate, with the authority that is trusted; null where the cluster has none. It is read for each
   * connection, so that it may change.
   */
  readonly tls: TlsMaterial | null;
}

/** One answer, read to its end. */
export interface CallAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Connections of one caller at once to one process; further calls wait. */
const CONNECTIONS_MAX = 8;

/** Connects with the certificate of the moment. */
function connecting(identity: CallIdentity): buildConnector.connector {
  let used = identity.tls;
  let connect = buildConnector({ ...used });
  return (options, done) => {
    const { tls } = identity;
    if (!isSame(tls, used)) connect = buildConnector({ ...tls });
    used = tls;
    connect(options, done);
  };
}

function isSame(a: TlsMaterial | null, b: TlsMaterial | null): boolean {
  return a?.ca === b?.ca && a?.cert === b?.cert && a?.key === b?.key;
}

export class InternalCalls {
  readonly #identity: CallIdentity;
  readonly #agent: Agent;

  constructor(identity: CallIdentity) {
    this.#identity = identity;
    this.#agent = new Agent({ connections: CONNECTIONS_MAX, connect: connecting(identity) });
  }

  /**
   * Asks for JSON, by POST where a body is given.
   * @param msMax from the call to the end of the answer, in milliseconds
   * @returns null if there is no answer in time, or none that is JSON
   * @throws RangeError as `open` does
   */
  async ask(url: string, msMax: number, body?: object): Promise<CallAnswer | null> {
    this.#check(url);
    try {
      // Not by fetch, which answers a 421 with the same request once more, its body left out.
      const response = await request(url, {
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(msMax),
        headers: this.#headers,
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      return { status: response.statusCode, body: await response.body.json() };
    } catch {
      return null;
    }
  }

  /**
   * Begins to read an answer, however long it is; rejects if there is none.
   * @throws RangeError for a plain url where there are certificates, or the other way round: the secret does not go out in
   *   the clear by a slip of a letter.
   */
  async open(url: string, signal: AbortSignal | null = null): Promise<Response> {
    this.#check(url);
    return fetch(url, {
      dispatcher: this.#agent,
      signal,
      redirect: 'error',
      headers: this.#headers,
    });
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #check(url: string): void {
    const { secret, tls } = this.#identity;
    const isTls = new URL(url).protocol === 'https:';
    if (isTls && tls === null)
      throw new RangeError(`${url} needs certificates: give --tls-ca, --tls-cert and --tls-key`);
    if (!isTls && tls !== null && secret !== null)
      throw new RangeError(`${url} is to be https, as there are certificates`);
  }

  get #headers(): Readonly<Record<string, string>> {
    const { secret } = this.#identity;
    return secret === null ? {} : { [LINK_HEADERS.secret]: secret };
  }
}
