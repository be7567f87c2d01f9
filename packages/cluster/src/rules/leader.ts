/** Finds the leader among what the replicas say of themselves. */

/** The part of a replica's status that tells its role. */
export interface ReplicaStatus {
  readonly role: string;
  readonly term: number;
}

/** Reads a status answer, null if it is not one. */
export function parseReplicaStatus(value: unknown): ReplicaStatus | null {
  if (typeof value !== 'object' || value === null || !('role' in value) || !('term' in value)) return null;
  const { role, term } = value;
  return typeof role === 'string' && typeof term === 'number' ? { role, term } : null;
}

/**
 * The name of the leader, null while there is none.
 * A leader that was paused or cut off still takes itself for one: the highest term counts.
 */
export function findLeader(
  statuses: readonly (readonly [name: string, status: ReplicaStatus | null])[],
): string | null {
  let best: { name: string; term: number } | null = null;
  for (const [name, status] of statuses) {
    if (status?.role === 'leader' && status.term > (best?.term ?? -1)) best = { name, term: status.term };
  }
  return best?.name ?? null;
}
