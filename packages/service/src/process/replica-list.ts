/** Reads the list of replicas from the command line. */
import { isName } from '../rules/handshake.js';
import type { ReplicaAddress } from '../rules/roster.js';
import { UsageError } from '../rules/usage.js';

/** Replicas in a list at most. */
const REPLICAS_MAX = 15;

/**
 * Reads `1=http://127.0.0.1:8191,2=http://127.0.0.1:8192`.
 * @throws UsageError if it is not such a list, or names a replica twice.
 */
export function parseReplicas(text: string): ReplicaAddress[] {
  const replicas = text.split(',').map(parseReplica);
  if (replicas.length > REPLICAS_MAX) throw new UsageError(`more than ${REPLICAS_MAX} replicas`);
  if (new Set(replicas.map(({ id }) => id)).size < replicas.length) {
    throw new UsageError(`a replica stands twice in ${text}`);
  }
  return replicas;
}

function parseReplica(text: string): ReplicaAddress {
  const [, id, url] = /^([^=]*)=(.*)$/.exec(text.trim()) ?? [];
  if (!isName(id) || url === undefined)
    throw new UsageError(`not a replica as in 1=http://host:port: ${text}`);
  return { id, url: parseHttpUrl(url) };
}

/** The url of an internal server. @throws UsageError if it is none with the scheme http, or https for mutual TLS. */
export function parseHttpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`not a url as in http://host:port: ${text}`);
  }
  return text;
}
