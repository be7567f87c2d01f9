/** The list of replicas, as flags and variables give it. */
import { FormatError } from '@trireme/domain';
import { asHttpUrl } from './addresses.js';
import { checkReplicaName } from './member-ids.js';

/**
 * Reads `1=http://127.0.0.1:8201,2=http://127.0.0.1:8202`.
 * @throws FormatError naming the part that is wrong.
 */
export function parsePeers(text: string): ReadonlyMap<string, string> {
  const peers = new Map<string, string>();
  for (const part of text.split(',')) {
    const [id = '', url = ''] = part.split(/=(.*)/s);
    checkReplicaName(id);
    asHttpUrl(url, `the address of replica ${id}`);
    if (peers.has(id)) throw new FormatError(`replica ${id} is named twice`);
    peers.set(id, url);
  }
  return peers;
}
