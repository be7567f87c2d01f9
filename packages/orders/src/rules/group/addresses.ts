/** A replica's addresses, in the format of the group's configuration: `http://host:8201 http://host:8191`. */
import { FormatError } from '@trireme/domain';

export interface ReplicaAddress {
  /** Base URL of its peer port. */
  readonly peerUrl: string;
  /** Base URL of its internal port, for front-ends and operators; null if it was never given. */
  readonly url: string | null;
}

/** Maximum length of one URL, so that both fit into an address of the log. */
const URL_LENGTH_MAX = 255;

export function formatAddress({ peerUrl, url }: ReplicaAddress): string {
  return url === null ? peerUrl : `${peerUrl} ${url}`;
}

/**
 * Parses an address of `formatAddress`; null if it is malformed: an address in the log must not stop a
 * replica.
 */
export function parseAddress(text: string): ReplicaAddress | null {
  const [peerUrl = '', url, ...more] = text.split(' ');
  if (!isHttpUrl(peerUrl) || more.length > 0) return null;
  if (url === undefined) return { peerUrl, url: null };
  return isHttpUrl(url) ? { peerUrl, url } : null;
}

/**
 * @throws FormatError naming `what` if it is not the URL of an internal port, such as `http://10.0.0.4:8191`.
 */
export function asHttpUrl(value: unknown, what: string): string {
  if (typeof value === 'string' && isHttpUrl(value)) return value;
  throw new FormatError(
    `${what} is not a URL such as http://host:8191, of at most ${URL_LENGTH_MAX} characters`,
  );
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[\x21-\x7e]+$/.test(text) && text.length <= URL_LENGTH_MAX && URL.canParse(text);
}
