/** Names of clusters. A new one ends in eight random hex digits, so that two clusters never talk to each other. */

/** The name of clusters from before names were recorded, and the start of new ones. */
export const CLUSTER_NAME_DEFAULT = 'trireme';

const SUFFIX = /-[0-9a-f]{8}$/;
const BASE_LENGTH_MAX = 40;
/** Random bytes of a suffix. */
export const SUFFIX_BYTES = 4;

/**
 * A name that no other cluster has: the old name without its suffix, and a new one.
 * @param random `SUFFIX_BYTES` random bytes
 * @example newClusterName('trireme-0a1b2c3d', random) // trireme-f00dbeef
 */
export function newClusterName(old: string, random: Buffer): string {
  return `${old.replace(SUFFIX, '').slice(0, BASE_LENGTH_MAX)}-${random.toString('hex')}`;
}
