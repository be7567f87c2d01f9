/** Targets of an operator's command: a process by name, a replica by number, the leader, or all processes of a role. */

export type Target =
  | { readonly kind: 'process'; readonly name: string }
  | { readonly kind: 'leader' }
  | { readonly kind: 'allReplicas' }
  | { readonly kind: 'allCatalogs' };

/** Parses `2`, `replica-2`, `catalog-1`, `frontend-1`, `leader`, `all-replicas` or `all-catalogs`; else null. */
export function parseTarget(text: string): Target | null {
  if (text === 'leader') return { kind: 'leader' };
  if (text === 'all-replicas') return { kind: 'allReplicas' };
  if (text === 'all-catalogs') return { kind: 'allCatalogs' };
  if (/^[1-9]\d?$/.test(text)) return { kind: 'process', name: `replica-${text}` };
  if (/^(catalog|replica|frontend)-[1-9]\d?$/.test(text)) return { kind: 'process', name: text };
  return null;
}

/** The number in the name of a replica, `replica-2`; null for any other name. */
export function replicaNumber(name: string): number | null {
  return numberIn(name, 'replica');
}

/** The number in the name of a catalog, `catalog-2`; null for any other name. */
export function catalogNumber(name: string): number | null {
  return numberIn(name, 'catalog');
}

function numberIn(name: string, role: string): number | null {
  const [, prefix, digits] = /^([a-z]+)-([1-9]\d?)$/.exec(name) ?? [];
  return prefix === role ? Number(digits) : null;
}
