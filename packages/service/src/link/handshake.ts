/** The handshake of a link: what the services add to that of `@trireme/raft/frames`, and the check of operators. */
import type { IncomingHttpHeaders } from 'node:http';
import { PREVIOUS_PROTOCOL_VERSION, PROTOCOL_VERSION, TriremeError } from '@trireme/domain';
import {
  accessHeaders,
  checkAccess,
  checkCertificate,
  presentedVersion,
  secretMatches,
  spokenVersions,
  versionHeaders,
  type CertificateCheck,
  type ClusterCredentials,
  type FrameRefusal,
  type HandshakeProtocol,
  type TlsSource,
} from '@trireme/raft/frames';
import { roleOfName, type CertificateRole } from '../rules/roles.js';

/** A secret, its source, or null if there is none. */
export type Secret = ClusterCredentials['secret'];

/** The identity of a process, and its credentials. */
export interface LinkIdentity extends ClusterCredentials {
  /** Unique in the cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
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

/** The handshake of links. */
export const LINK_PROTOCOL: HandshakeProtocol = {
  version: PROTOCOL_VERSION,
  previous: PREVIOUS_PROTOCOL_VERSION,
  headers: HANDSHAKE_HEADERS,
};

/** The versions that a process speaks as long as it does not know that the cluster has switched to the newest one. */
export const ALL_LINK_VERSIONS = spokenVersions(LINK_PROTOCOL, false);

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether `name` is a valid name of a process or cluster: 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** The headers that a process sends when it opens a link, in one of the versions that it speaks. */
export function handshakeHeaders(
  identity: LinkIdentity,
  version: number = PROTOCOL_VERSION,
): Record<string, string> {
  return accessHeaders(LINK_PROTOCOL, identity.name, identity, version);
}

/** The headers of the response to a handshake. */
export function responseHeaders({ name }: LinkIdentity): Record<string, string> {
  return { ...versionHeaders(LINK_PROTOCOL), [HANDSHAKE_HEADERS.name]: name };
}

/** The version of a link, from the headers of an accepted handshake. */
export function linkVersion(headers: IncomingHttpHeaders): number {
  return presentedVersion(LINK_PROTOCOL, headers) ?? PROTOCOL_VERSION;
}

/**
 * Why a process with this identity refuses a handshake; null if it accepts it.
 * @param admits the role that may open this kind of link; checked only with certificates
 * @param certificate null if the cluster does not use certificates
 * @param versions the versions that the process speaks
 */
export function checkHandshake(
  identity: LinkIdentity,
  headers: IncomingHttpHeaders,
  admits: CertificateRole,
  certificate: CertificateCheck | null = null,
  versions: readonly number[] = ALL_LINK_VERSIONS,
): FrameRefusal | null {
  const name = headers[HANDSHAKE_HEADERS.name];
  const refusal =
    checkCertificate(certificate, String(name)) ?? checkAccess(LINK_PROTOCOL, identity, headers, versions);
  // The services have one word for every missing or wrong credential.
  if (refusal?.status === 'WRONG_SECRET') return { ...refusal, status: 'UNAUTHORIZED' };
  if (refusal !== null) return refusal;
  if (!isName(name)) {
    const message = 'the name of the process is missing or malformed';
    return { httpStatus: 400, status: 'INVALID_NAME', message };
  }
  const problem = certificate === null ? null : roleProblem(certificate.name, admits);
  return problem === null ? null : { httpStatus: 403, status: 'WRONG_ROLE', message: problem };
}

/**
 * Why a process with this identity refuses a request of an operator; null if it accepts it.
 * @param certificate null if the cluster does not use certificates
 */
export function checkOperator(
  identity: LinkIdentity,
  headers: IncomingHttpHeaders,
  certificate: CertificateCheck | null,
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
  return `the certificate of ${JSON.stringify(name).slice(0, 80)} does not have the role ${expected}`;
}
