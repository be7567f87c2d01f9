/** An attack of a hostile client as data: the port, the bytes to send, and the kind of attack. */

/** The kinds of ports of a cluster. */
export type PortKind = 'public' | 'replica' | 'peer' | 'catalog' | 'control';

/** Ends the client's half of the connection. */
export const FIN = Symbol('FIN');
/** Waits until the server has accepted the upgrade; later bytes belong to the frame protocol. */
export const WAIT_FOR_UPGRADE = Symbol('UPGRADED');

/** One step on a connection: text or bytes to send, milliseconds to wait, or one of the above. */
export type AttackStep = string | Uint8Array | number | typeof FIN | typeof WAIT_FOR_UPGRADE;

export interface Attack {
  readonly port: PortKind;
  /** Kind of attack, such as `two lengths`. */
  readonly kind: string;
  /** Variant within the kind. */
  readonly name: string;
  readonly steps: readonly AttackStep[];
  /** Milliseconds after the last step within which the server must end the connection; default 30 s. */
  readonly timeoutMs?: number;
  /** Whether the client reads nothing. */
  readonly readsNothing?: boolean;
}

/** The result of an attack. */
export interface AttackOutcome {
  /** Received HTTP status codes, in sequence. */
  readonly codes: readonly number[];
  /** Whether the server ended the connection in time. */
  readonly isDisconnected: boolean;
  readonly tookMs: number;
}

/** Parts of a request that the port parses, and refuses even if it is well-formed. */
export interface RequestTemplate {
  readonly port: PortKind;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The text of a request. @param lines raw header lines, after those of the base */
export function requestText(base: RequestTemplate, lines: readonly string[] = [], body = base.body): string {
  const headers = Object.entries(base.headers).map(([name, value]) => `${name}: ${value}`);
  return `${base.method} ${base.path} HTTP/1.1\r\n${[...headers, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** The text of a request with a correct `content-length`. */
export function completeRequest(base: RequestTemplate, body = base.body): string {
  return requestText(base, [`content-length: ${Buffer.byteLength(body)}`], body);
}
