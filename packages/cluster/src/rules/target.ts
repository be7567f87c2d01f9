/** What an operator may aim at: a process by name, a replica by number, the leader, or all replicas. */

export type Target =
  | { readonly kind: 'process'; readonly name: string }
  | { readonly kind: 'leader' }
  | { readonly kind: 'allReplicas' };

/** Reads `2`, `replica-2`, `catalog`, `frontend-1`, `leader` or `all-replicas`; null for anything else. */
export function parseTarget(text: string): Target | null {
  if (text === 'leader') return { kind: 'leader' };
  if (text === 'all-replicas') return { kind: 'allReplicas' };
  if (/^[1-9]\d?$/.test(text)) return { kind: 'process', name: `replica-${text}` };
  if (/^(catalog|(replica|frontend)-[1-9]\d?)$/.test(text)) return { kind: 'process', name: text };
  return null;
}

/** The number of the replica with this name, `replica-2`; null for any other name. */
export function replicaNumber(name: string): number | null {
  const digits = /^replica-([1-9]\d?)$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
