/** Requests to the internal ports of a cluster, with its secret, and over mutual TLS if it has certificates. */
import { HANDSHAKE_HEADERS, presentedSecret, type Secret, type TlsMaterial } from '@trireme/service';
import { Agent, buildConnector, fetch, request, type Response } from 'undici';

/** Credentials of the caller. */
export interface InternalCredentials {
  /** Null for a caller that uses only unprotected routes. */
  readonly secret: Secret;
  /**
   * Certificate of an operator with the trusted authority; null if the cluster has no certificates. Read for each
   * connection, so it may change.
   */
  readonly tls: TlsMaterial | null;
}

/** A complete answer. */
export interface InternalResponse {
  readonly status: number;
  readonly body: unknown;
}

/** Maximum connections of one caller to one process; further requests wait. */
const CONNECTIONS_MAX = 8;

/** Makes a connector that uses the present certificate for each connection. */
function makeConnector(identity: InternalCredentials): buildConnector.connector {
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

export class InternalClient {
  readonly #identity: InternalCredentials;
  readonly #agent: Agent;

  constructor(identity: InternalCredentials) {
    this.#identity = identity;
    this.#agent = new Agent({ connections: CONNECTIONS_MAX, connect: makeConnector(identity) });
  }

  /**
   * Requests JSON, with POST if a body is given and GET otherwise.
   * @param msMax time limit for the complete answer, in milliseconds
   * @param onFailure receives the reason if there is no answer
   * @returns null if there is no answer within the limit, or it is not JSON
   * @throws RangeError like `open`
   */
  async requestJson(
    url: string,
    msMax: number,
    body?: object,
    onFailure: (reason: unknown) => void = () => undefined,
  ): Promise<InternalResponse | null> {
    this.#check(url);
    try {
      // Not with fetch: it repeats the request after a 421, without its body.
      const response = await request(url, {
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(msMax),
        headers: this.#headers,
        method: body === undefined ? 'GET' : 'POST',
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: response.statusCode, body: await response.body.json() };
    } catch (error) {
      onFailure(error);
      return null;
    }
  }

  /**
   * Opens an answer of any length as a stream; rejects if there is no answer.
   * @throws RangeError for an http URL with certificates, or an https URL without. This keeps a mistyped URL from
   *   sending the secret in the clear.
   */
  async openStream(url: string, signal: AbortSignal | null = null): Promise<Response> {
    this.#check(url);
    return fetch(url, {
      dispatcher: this.#agent,
      signal,
      redirect: 'error',
      headers: this.#headers,
    });
  }

  /** Closes all connections and aborts pending requests. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #check(url: string): void {
    const { secret, tls } = this.#identity;
    const isTls = new URL(url).protocol === 'https:';
    if (isTls && tls === null)
      throw new RangeError(`${url} requires certificates: give --tls-ca, --tls-cert and --tls-key`);
    if (!isTls && tls !== null && secret !== null)
      throw new RangeError(`${url} must be an https URL, as certificates are given`);
  }

  get #headers(): Readonly<Record<string, string>> {
    const secret = presentedSecret(this.#identity.secret);
    return secret === null ? {} : { [HANDSHAKE_HEADERS.secret]: secret };
  }
}
