/** What the certificates of a process say, and whether they can be used together. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { TlsMaterial } from '@trireme/raft/frames';
import { UsageError } from './usage.js';

const DAY_MS = 86_400_000;
/** Milliseconds before the end from which the log warns, once a day. */
export const WARNED_MS = 30 * DAY_MS;

/** A certificate that can be used, and until when. Times are in milliseconds since 1970. */
export interface CertificateFacts {
  /** Its common name; empty where there is none. */
  readonly name: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** The end of the authority that it is of. */
  readonly authorityNotAfter: number;
}

/**
 * Checks the three files, which may have been replaced one after the other.
 * @throws UsageError if one of the three is no such thing, the key is another's, or the authority did not sign the certificate.
 */
export function examineCertificate({ ca, cert, key }: TlsMaterial): CertificateFacts {
  const authorities = parseAll(ca, 'the authority');
  const chain = parseAll(cert, 'the certificate');
  const [own] = chain;
  if (own === undefined) throw new UsageError('the certificate is not PEM');
  if (!own.checkPrivateKey(parseKey(key))) throw new UsageError('the key is not that of the certificate');
  const root = authorityOf(own, chain, authorities);
  if (root === null) throw new UsageError('the certificate is not of the authority');
  return {
    name: /(?:^|\n)CN=(.*)/.exec(own.subject)?.[1] ?? '',
    notBefore: Date.parse(own.validFrom),
    notAfter: Date.parse(own.validTo),
    authorityNotAfter: Date.parse(root.validTo),
  };
}

/** Why renewed certificates are not used in place of those in use; null if they are. `now` is in milliseconds since 1970. */
export function refuseRenewal(
  renewed: CertificateFacts,
  inUse: CertificateFacts,
  now: number,
): string | null {
  if (renewed.name !== inUse.name)
    return `it is of ${JSON.stringify(renewed.name)}, and this process is ${JSON.stringify(inUse.name)}`;
  if (renewed.notBefore > now) return `it is not valid before ${dayOf(renewed.notBefore)}`;
  const end = endOf(renewed);
  return end <= now && end <= endOf(inUse) ? `it expired on ${dayOf(end)}` : null;
}

/** When the certificate, or its authority, ends. */
export function endOf({ notAfter, authorityNotAfter }: CertificateFacts): number {
  return Math.min(notAfter, authorityNotAfter);
}

/** Whether the end is so near at `now` that the log has to tell of it again, having told of it at `toldAt`. */
export function isWarningDue(end: number, now: number, toldAt: number): boolean {
  return end - now < WARNED_MS && Math.abs(now - toldAt) >= DAY_MS;
}

/** The day of a time, as in `2026-11-30`. */
export function dayOf(time: number): string {
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
    throw new UsageError('the key is not PEM, or needs a password', { cause: error });
  }
}

/** The authority at the end of the chain of signatures that begins with `own`. */
function authorityOf(
  own: X509Certificate,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): X509Certificate | null {
  const isSigner = (of: X509Certificate) => (signer: X509Certificate) =>
    of.checkIssued(signer) && of.verify(signer.publicKey);
  let last: X509Certificate | undefined = own;
  // Each certificate is visited once at most, so that a cycle ends.
  for (let passed = 0; last !== undefined && passed < chain.length; passed += 1) {
    const signed: X509Certificate = last;
    const root = authorities.find(isSigner(signed));
    if (root !== undefined) return root;
    last = chain.find((other) => other !== signed && isSigner(signed)(other));
  }
  return null;
}
