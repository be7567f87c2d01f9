/** Reads the certificates of a process, and checks that they can be used together. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { TlsMaterial } from '@trireme/raft/frames';
import { UsageError } from './usage-error.js';

const DAY_MS = 86_400_000;
/** From this many milliseconds before the expiry the log has a warning once a day. */
export const EXPIRY_WARNING_MS = 30 * DAY_MS;

/** A valid certificate. Times are in milliseconds since 1970. */
export interface CertificateInfo {
  /** Its common name; empty if it has none. */
  readonly name: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Expiry of the authority that issued it. */
  readonly authorityNotAfter: number;
}

/**
 * Checks that the three files belong together: they may have been replaced one after the other.
 * @throws UsageError if a file is invalid, the key does not belong to the certificate, or the authority did not sign it.
 */
export function checkCertificate({ ca, cert, key }: TlsMaterial): CertificateInfo {
  const authorities = parseAll(ca, 'the authority');
  const chain = parseAll(cert, 'the certificate');
  const [own] = chain;
  if (own === undefined) throw new UsageError('the certificate is not PEM');
  if (!own.checkPrivateKey(parseKey(key))) throw new UsageError('the key does not belong to the certificate');
  const root = authorityOf(own, chain, authorities);
  if (root === null) throw new UsageError('the certificate was not issued by the authority');
  return {
    name: /(?:^|\n)CN=(.*)/.exec(own.subject)?.[1] ?? '',
    notBefore: Date.parse(own.validFrom),
    notAfter: Date.parse(own.validTo),
    authorityNotAfter: Date.parse(root.validTo),
  };
}

/** Why a renewed certificate cannot replace the current one; null if it can. @param now milliseconds since 1970 */
export function renewalProblem(renewed: CertificateInfo, inUse: CertificateInfo, now: number): string | null {
  if (renewed.name !== inUse.name)
    return `its name is ${JSON.stringify(renewed.name)}, but this process is ${JSON.stringify(inUse.name)}`;
  if (renewed.notBefore > now) return `it is not valid before ${formatDate(renewed.notBefore)}`;
  const end = expiryOf(renewed);
  return end <= now && end <= expiryOf(inUse) ? `it expired on ${formatDate(end)}` : null;
}

/** Expiry of the certificate or of its authority, whichever is earlier. */
export function expiryOf({ notAfter, authorityNotAfter }: CertificateInfo): number {
  return Math.min(notAfter, authorityNotAfter);
}

/** Whether the log must warn of the expiry at `end` again, if its last warning was at `warnedAt`. */
export function isWarningDue(end: number, now: number, warnedAt: number): boolean {
  return end - now < EXPIRY_WARNING_MS && Math.abs(now - warnedAt) >= DAY_MS;
}

/** The UTC date of a time, such as `2026-11-30`. */
export function formatDate(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function parseAll(text: string, what: string): X509Certificate[] {
  try {
    return (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem));
  } catch (error) {
    throw new UsageError(`${what} is damaged`, { cause: error });
  }
}

function parseKey(text: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new UsageError('the key is not PEM, or is encrypted', { cause: error });
  }
}

/** The authority at the end of the signature chain that starts with `own`; null if there is none. */
function authorityOf(
  own: X509Certificate,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): X509Certificate | null {
  const isSigner = (of: X509Certificate) => (signer: X509Certificate) =>
    of.checkIssued(signer) && of.verify(signer.publicKey);
  let last: X509Certificate | undefined = own;
  // The limit ends the search in a cycle.
  for (let passed = 0; last !== undefined && passed < chain.length; passed += 1) {
    const signed: X509Certificate = last;
    const root = authorities.find(isSigner(signed));
    if (root !== undefined) return root;
    last = chain.find((other) => other !== signed && isSigner(signed)(other));
  }
  return null;
}
