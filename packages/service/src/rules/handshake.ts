/** Who may open a link: the headers of a link's handshake, and the rule that accepts or refuses them. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { PROTOCOL_VERSION, TriremeError } from '@trireme/domain';
import type { TlsSource } from '@trireme/raft/frames';
import { roleOfName, type CertificateRole } from './roles.js';

/** Who a process is, and what it must know to be let in. */
export interface LinkIdentity {
  /** Unique in the cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  readonly cluster: string;
  /** The cluster's secret, or null where none is asked for. */
  readonly secret: string | null;
  /** Its certificate, where the cluster speaks mutual TLS; then its name is the certificate's common name. */
  readonly tls?: TlsSource | null;
}

/** Headers of a handshake and of internal calls, in lower case as Node gives them. */
export const LINK_HEADERS = {
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

/** True for names that processes and clusters may have: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** What a process says about itself when it opens a link. */
export function handshakeHeaders(identity: LinkIdentity): Record<string, string> {
  return {
    [LINK_HEADERS.cluster]: identity.cluster,
    [LINK_HEADERS.version]: String(PROTOCOL_VERSION),
    [LINK_HEADERS.name]: identity.name,
    ...(identity.secret === null ? {} : { [LINK_HEADERS.secret]: identity.secret }),
  };
}

/** What is known of a certificate that came with a request. */
export interface Certificate {
  /** Why it is not to be believed, null if it is. */
  readonly problem: string | null;
  /** Its common name. */
  readonly name: string;
}

/**
 * Why a process with this identity refuses a handshake, or null if it accepts it.
 * @param admits the role that may open this kind of link; without certificates nobody's role is known
 * @param certificate null where none is asked for
 */
export function refuseHandshake(
  identity: LinkIdentity,
  headers: Headers,
  admits: CertificateRole,
  certificate: Certificate | null = null,
): HandshakeRefusal | null {
  if (certificate !== null && certificate.problem !== null) {
    return { httpStatus: 401, status: 'WRONG_CERTIFICATE', message: certificate.problem };
  }
  // First, so that who does not know the secret learns nothing of the cluster.
  if (!secretMatches(identity.secret, headers[LINK_HEADERS.secret])) {
    return {
      httpStatus: 401,
      status: 'UNAUTHORIZED',
      message: 'the secret of the cluster is missing or wrong',
    };
  }
  const cluster = headers[LINK_HEADERS.cluster];
  if (cluster !== identity.cluster) {
    return {
      httpStatus: 403,
      status: 'WRONG_CLUSTER',
      message: `this is cluster ${identity.cluster}, not ${describe(cluster)}`,
    };
  }
  const version = headers[LINK_HEADERS.version];
  if (version !== String(PROTOCOL_VERSION)) {
    return {
      httpStatus: 426,
      status: 'WRONG_VERSION',
      message: `this process speaks protocol ${PROTOCOL_VERSION}, not ${describe(version)}`,
    };
  }
  if (!isName(headers[LINK_HEADERS.name])) {
    return {
      httpStatus: 400,
      status: 'INVALID_NAME',
      message: 'the name of the process is missing or malformed',
    };
  }
  if (certificate !== null && certificate.name !== headers[LINK_HEADERS.name]) {
    const message = 'the certificate is that of another process';
    return { httpStatus: 403, status: 'WRONG_CERTIFICATE', message };
  }
  if (certificate === null) return null;
  const wrong = refuseRole(certificate.name, admits);
  return wrong === null ? null : { httpStatus: 403, status: 'WRONG_ROLE', message: wrong };
}

/**
 * Why a process with this identity refuses a call of its operator, or null if it accepts it.
 * @param certificate null where none is asked for
 */
export function refuseOperator(
  identity: LinkIdentity,
  headers: Headers,
  certificate: Certificate | null,
): TriremeError | null {
  if (certificate !== null && certificate.problem !== null)
    return new TriremeError('UNAUTHORIZED', certificate.problem);
  if (!secretMatches(identity.secret, headers[LINK_HEADERS.secret]))
    return new TriremeError('UNAUTHORIZED', 'the secret of the cluster is missing or wrong');
  const wrong = certificate === null ? null : refuseRole(certificate.name, 'operator');
  return wrong === null ? null : new TriremeError('WRONG_ROLE', wrong);
}

/** Why a server is not the one that was to be dialed, by the name in its certificate; null if it is. */
export function refuseRole(name: string, expected: CertificateRole): string | null {
  if (roleOfName(name) === expected) return null;
  return `the certificate is that of ${describe(name)}, and this is for the role ${expected}`;
}

/** Compares in constant time. Where no secret is asked for, whatever is given is right. */
export function secretMatches(expected: string | null, given: unknown): boolean {
  if (expected === null) return true;
  if (typeof given !== 'string') return false;
  return timingSafeEqual(digest(expected), digest(given));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A header as it may stand in an answer or a log: short, and printable whatever was sent. */
function describe(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, 80);
}
