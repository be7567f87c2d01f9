/** What a hostile client sends, as values: who it is sent to, byte by byte, and what it is an example of. */

/** Every kind of port that a cluster opens. */
export type Port = 'public' | 'replica' | 'peer' | 'catalog' | 'control';

/** To end this half of the connection. */
export const FIN = Symbol('FIN');
/** To wait until the server has accepted the upgrade; what comes behind it is of the protocol of frames. */
export const UPGRADED = Symbol('UPGRADED');

/** One thing to do on a connection: text or bytes to send, milliseconds to wait, or one of the above. */
export type Step = string | Uint8Array | number | typeof FIN | typeof UPGRADED;

export interface Attack {
  readonly port: Port;
  /** What it is an example of, such as `two lengths`. */
  readonly kind: string;
  /** What exactly. */
  readonly name: string;
  readonly steps: readonly Step[];
  /** Milliseconds within which the server has to end the connection, behind the last step; 30 s unless given. */
  readonly patienceMs?: number;
  /** Whether the client reads nothing that comes. */
  readonly isDeaf?: boolean;
}

/** What became of it. */
export interface Outcome {
  /** HTTP status codes, in the order in which they came. */
  readonly codes: readonly number[];
  /** Whether the server ended the connection, and not the attacker's patience. */
  readonly isCut: boolean;
  readonly tookMs: number;
}

/** Request of a kind that the port would look at, in parts; it would be refused even if it were well-formed. */
export interface Base {
  readonly port: Port;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The text of a request. @param lines header lines as they stand, behind those of the base */
export function requestText(base: Base, lines: readonly string[] = [], body = base.body): string {
  const headers = Object.entries(base.headers).map(([name, value]) => `${name}: ${value}`);
  return `${base.method} ${base.path} HTTP/1.1\r\n${[...headers, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

/** The same with the length of its body. */
export function wholeRequest(base: Base, body = base.body): string {
  return requestText(base, [`content-length: ${Buffer.byteLength(body)}`], body);
}
