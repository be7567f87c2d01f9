/** The list of replicas, as flags and variables give it. */
import { FormatError } from '@trireme/domain';
import { asHttpUrl } from './addresses.js';
import { checkReplicaName } from './member-ids.js';

/**
 * Reads `1=http://127.0.0.1:8201,2=http://127.0.0.1:8202`.
 * @returns the replicas in the order of their names, whatever order they were given in
 * @throws FormatError naming the part that is wrong.
 */
export function parsePeers(text: string): ReadonlyMap<string, string> {
  const peers = new Map<string, string>();
  const nameByUrl = new Map<string, string>();
  for (const part of text.split(',')) {
    const [id = '', url = ''] = part.split(/=(.*)/s);
    checkReplicaName(id);
    asHttpUrl(url, `the address of replica ${id}`);
    if (peers.has(id)) throw new FormatError(`replica ${id} is named twice`);
    const { href } = new URL(url);
    const other = nameByUrl.get(href);
    if (other !== undefined)
      throw new FormatError(
        `replicas ${other} and ${id} have the same address, ${url}: give each replica its own`,
      );
    nameByUrl.set(href, id);
    peers.set(id, url);
  }
  return new Map([...peers].sort(([a], [b]) => (a < b ? -1 : 1)));
}
