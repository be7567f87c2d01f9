/** The handshake of a link: its headers, and the rules that accept or refuse it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { PROTOCOL_VERSION, TriremeError } from '@trireme/domain';
import type { TlsSource } from '@trireme/raft/frames';
import { roleOfName, type CertificateRole } from './roles.js';

/** The identity of a process, and its credentials. */
export interface LinkIdentity {
  /** Unique in the cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  readonly cluster: string;
  /** The cluster's secret; null if the cluster has none. */
  readonly secret: string | null;
  /** Its certificate, if the cluster uses mutual TLS. Then `name` must be the certificate's common name. */
  readonly tls?: TlsSource | null;
}

/** Headers of handshakes and of internal requests, in lower case like Node's. */
export const HANDSHAKE_HEADERS = {
  cluster: 'x-trireme-cluster',
  version: 'x-trireme-version',
  name: 'x-trireme-name',
  secret: 'x-trireme-secret',
} as const;

export interface HandshakeRefusal {
  readonly httpStatus: number;
  readonly status:
    'WRONG_CLUSTER' | 'WRONG_VERSION' | 'UNAUTHORIZED' | 'WRONG_CERTIFICATE' | 'WRONG_ROLE' | 'INVALID_NAME';
  readonly message: string;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether `name` is a valid name of a process or cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** The headers that a process sends when it opens a link. */
export function handshakeHeaders(identity: LinkIdentity): Record<string, string> {
  return {
    [HANDSHAKE_HEADERS.cluster]: identity.cluster,
    [HANDSHAKE_HEADERS.version]: String(PROTOCOL_VERSION),
    [HANDSHAKE_HEADERS.name]: identity.name,
    ...(identity.secret === null ? {} : { [HANDSHAKE_HEADERS.secret]: identity.secret }),
  };
}

/** The client certificate of a request. */
export interface PeerCertificate {
  /** Why it is not trusted; null if it is. */
  readonly problem: string | null;
  /** Its common name. */
  readonly name: string;
}

/**
 * Why a process with this identity refuses a handshake; null if it accepts it.
 * @param admits the role that may open this kind of link; checked only with certificates
 * @param certificate null if the cluster does not use certificates
 */
export function checkHandshake(
  identity: LinkIdentity,
  headers: Headers,
  admits: CertificateRole,
  certificate: PeerCertificate | null = null,
): HandshakeRefusal | null {
  if (certificate !== null && certificate.problem !== null) {
    return { httpStatus: 401, status: 'WRONG_CERTIFICATE', message: certificate.problem };
  }
  // Check the secret first: a client without it must learn nothing about the cluster.
  if (!secretMatches(identity.secret, headers[HANDSHAKE_HEADERS.secret])) {
    return {
      httpStatus: 401,
      status: 'UNAUTHORIZED',
      message: 'the secret of the cluster is missing or wrong',
    };
  }
  const cluster = headers[HANDSHAKE_HEADERS.cluster];
  if (cluster !== identity.cluster) {
    return {
      httpStatus: 403,
      status: 'WRONG_CLUSTER',
      message: `this process belongs to cluster ${identity.cluster}, not ${describe(cluster)}`,
    };
  }
  const version = headers[HANDSHAKE_HEADERS.version];
  if (version !== String(PROTOCOL_VERSION)) {
    return {
      httpStatus: 426,
      status: 'WRONG_VERSION',
      message: `this process uses protocol version ${PROTOCOL_VERSION}, not ${describe(version)}`,
    };
  }
  if (!isName(headers[HANDSHAKE_HEADERS.name])) {
    return {
      httpStatus: 400,
      status: 'INVALID_NAME',
      message: 'the name of the process is missing or malformed',
    };
  }
  if (certificate !== null && certificate.name !== headers[HANDSHAKE_HEADERS.name]) {
    const message = 'the certificate is that of another process';
    return { httpStatus: 403, status: 'WRONG_CERTIFICATE', message };
  }
  if (certificate === null) return null;
  const problem = roleProblem(certificate.name, admits);
  return problem === null ? null : { httpStatus: 403, status: 'WRONG_ROLE', message: problem };
}

/**
 * Why a process with this identity refuses a request of an operator; null if it accepts it.
 * @param certificate null if the cluster does not use certificates
 */
export function checkOperator(
  identity: LinkIdentity,
  headers: Headers,
  certificate: PeerCertificate | null,
): TriremeError | null {
  if (certificate !== null && certificate.problem !== null)
    return new TriremeError('UNAUTHORIZED', certificate.problem);
  if (!secretMatches(identity.secret, headers[HANDSHAKE_HEADERS.secret]))
    return new TriremeError('UNAUTHORIZED', 'the secret of the cluster is missing or wrong');
  const problem = certificate === null ? null : roleProblem(certificate.name, 'operator');
  return problem === null ? null : new TriremeError('WRONG_ROLE', problem);
}

/** Why a certificate with this name does not have the expected role; null if it has. */
export function roleProblem(name: string, expected: CertificateRole): string | null {
  if (roleOfName(name) === expected) return null;
  return `the certificate of ${describe(name)} does not have the role ${expected}`;
}

/** Compares secrets in constant time. Without an expected secret every given value matches. */
export function secretMatches(expected: string | null, given: unknown): boolean {
  if (expected === null) return true;
  if (typeof given !== 'string') return false;
  return timingSafeEqual(digest(expected), digest(given));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A header value for a response or a log: short, and printable for any input. */
function describe(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, 80);
}
