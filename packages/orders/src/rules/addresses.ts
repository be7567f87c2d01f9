/** Where a replica is reached, as it stands in the group's configuration: `http://host:8201 http://host:8191`. */
import { FormatError } from '@trireme/domain';

export interface ReplicaAddress {
  /** Base url of its peer port. */
  readonly peerUrl: string;
  /** Base url of its internal port, for front-ends and operators; null where that was never said. */
  readonly url: string | null;
}

/** Characters of one url at most, so that both fit into an address of the log. */
const URL_LENGTH_MAX = 255;

export function formatAddress({ peerUrl, url }: ReplicaAddress): string {
  return url === null ? peerUrl : `${peerUrl} ${url}`;
}

/** Reads what `formatAddress` made; null if it is anything else. It is in the log: it must stop no one. */
export function parseAddress(text: string): ReplicaAddress | null {
  const [peerUrl = '', url, ...more] = text.split(' ');
  if (!isHttpUrl(peerUrl) || more.length > 0) return null;
  if (url === undefined) return { peerUrl, url: null };
  return isHttpUrl(url) ? { peerUrl, url } : null;
}

/** @throws FormatError naming `what` if it is no url of an internal port, such as `http://10.0.0.4:8191`. */
export function asHttpUrl(value: unknown, what: string): string {
  if (typeof value === 'string' && isHttpUrl(value)) return value;
  throw new FormatError(
    `${what} is not a url such as http://host:8191, of ${URL_LENGTH_MAX} characters at most`,
  );
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[\x21-\x7e]+$/.test(text) && text.length <= URL_LENGTH_MAX && URL.canParse(text);
}
