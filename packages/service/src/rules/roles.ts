/** The roles of certificates: a process with the certificate `replica-2` cannot open links of a front-end. */

/** The roles that a certificate can have. */
export const CERTIFICATE_ROLES = ['catalog', 'replica', 'frontend', 'operator'] as const;

/** A role that a certificate can have. */
export type CertificateRole = (typeof CERTIFICATE_ROLES)[number];

/**
 * The role of a certificate with this name: the name is the role, or starts with the role and `-` or `.`, as in
 * `catalog`, `replica-2`, `frontend-7f9c.eu`. Null if it has none: then every link and operator request is refused.
 */
export function roleOfName(name: string): CertificateRole | null {
  const [, first] = /^([a-z]+)([-.].*)?$/.exec(name) ?? [];
  return CERTIFICATE_ROLES.find((role) => role === first) ?? null;
}
