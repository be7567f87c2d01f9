/** The list of replicas in flags and environment variables. */
import { FormatError } from '@trireme/domain';
import { asHttpUrl } from './addresses.js';
import { checkReplicaName } from './member-ids.js';

/**
 * Parses `1=http://127.0.0.1:8201,2=http://127.0.0.1:8202`.
 * @returns the URLs by name of the replica, sorted by name
 * @throws FormatError naming the part that is wrong.
 */
export function parsePeers(text: string): ReadonlyMap<string, string> {
  const peers = new Map<string, string>();
  const nameByUrl = new Map<string, string>();
  for (const part of text.split(',')) {
    const [id = '', url = ''] = part.split(/=(.*)/s);
    checkReplicaName(id);
    asHttpUrl(url, `the URL of replica ${id}`);
    if (peers.has(id)) throw new FormatError(`replica ${id} is listed twice`);
    const { href } = new URL(url);
    const other = nameByUrl.get(href);
    if (other !== undefined)
      throw new FormatError(
        `replicas ${other} and ${id} have the same address, ${url}; give each replica its own`,
      );
    nameByUrl.set(href, id);
    peers.set(id, url);
  }
  return new Map([...peers].sort(([a], [b]) => (a < b ? -1 : 1)));
}
