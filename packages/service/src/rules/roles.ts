/** What a process may do, by the name in its certificate: `replica-2` is a replica and opens no front-end's link. */

/** Whom certificates of a cluster are for. */
export const ROLES = ['catalog', 'replica', 'frontend', 'operator'] as const;

export type CertificateRole = (typeof ROLES)[number];

/**
 * The role that a name stands for: the name begins with the role's, alone or before `-` or `.`, as in `catalog`,
 * `replica-2`, `frontend-7f9c.eu`. Null where it stands for none: such a certificate opens nothing.
 */
export function roleOfName(name: string): CertificateRole | null {
  const [, first] = /^([a-z]+)([-.].*)?$/.exec(name) ?? [];
  return ROLES.find((role) => role === first) ?? null;
}
