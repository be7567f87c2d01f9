/** Finds the leader among the statuses of the replicas. */

/** Role and term in a replica's status. */
export interface ReplicaRoleAndTerm {
  readonly role: string;
  readonly term: number;
}

/** Parses a status answer; null if it is invalid. */
export function parseReplicaStatus(value: unknown): ReplicaRoleAndTerm | null {
  if (typeof value !== 'object' || value === null || !('role' in value) || !('term' in value)) return null;
  const { role, term } = value;
  return typeof role === 'string' && typeof term === 'number' ? { role, term } : null;
}

/**
 * Name of the leader; null if there is none.
 * A deposed leader that was paused or partitioned still reports that it leads: the highest term wins.
 */
export function findLeader(
  replicas: readonly { readonly name: string; readonly status: ReplicaRoleAndTerm | null }[],
): string | null {
  let best: { name: string; term: number } | null = null;
  for (const { name, status } of replicas) {
    if (status?.role === 'leader' && status.term > (best?.term ?? -1)) best = { name, term: status.term };
  }
  return best?.name ?? null;
}
