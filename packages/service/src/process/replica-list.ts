/** Parses the list of replicas on the command line. */
import { isName } from '../link/handshake.js';
import type { ReplicaAddress } from '../rules/replica-set.js';
import { UsageError } from '../rules/usage-error.js';

/** Maximum number of replicas in a list. */
const REPLICAS_MAX = 15;

/**
 * Parses a list such as `1=http://127.0.0.1:8191,2=http://127.0.0.1:8192`.
 * @throws UsageError if the list is invalid or too long, or has a duplicate id.
 */
export function parseReplicas(text: string): ReplicaAddress[] {
  const replicas = text.split(',').map(parseReplica);
  if (replicas.length > REPLICAS_MAX)
    throw new UsageError(`the list of replicas has more than ${REPLICAS_MAX} items`);
  if (new Set(replicas.map(({ id }) => id)).size < replicas.length) {
    throw new UsageError(`duplicate replica id in ${text}`);
  }
  return replicas;
}

function parseReplica(text: string): ReplicaAddress {
  const [, id, url] = /^([^=]*)=(.*)$/.exec(text.trim()) ?? [];
  if (!isName(id) || url === undefined)
    throw new UsageError(`invalid replica: ${text} (expected ID=URL, such as 1=http://host:port)`);
  return { id, url: parseHttpUrl(url) };
}

/** Parses the URL of an internal port. @throws UsageError if it is not an http or https URL. */
export function parseHttpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`invalid URL: ${text} (expected http://host:port or https://host:port)`);
  }
  return text;
}
