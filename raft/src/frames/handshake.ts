/**
 * What every handshake between processes of a cluster has in common: the headers that a client sends, and the
 * checks of a server. A protocol adds headers and checks of its own.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { FrameError, type FrameRefusal } from './errors.js';
import type { CertificateCheck } from './tls.js';

/** A protocol whose connections and requests begin with the same handshake. */
export interface HandshakeProtocol {
  /** The newest version that this program speaks. */
  readonly version: number;
  /** The version of the previous release, which this program speaks until the cluster has switched to `version`. */
  readonly previous: number;
  /** Names of the headers, in lower case like Node's. */
  readonly headers: {
    /** The name of the cluster. */
    readonly cluster: string;
    /** The version of the protocol. */
    readonly version: string;
    /** The name of the client. */
    readonly name: string;
    /** The secret of the cluster. */
    readonly secret: string;
  };
}

/** The cluster that a process belongs to. */
export interface ClusterCredentials {
  /** Name of the cluster; processes of another cluster are refused. */
  readonly cluster: string;
  /** The secret that all its processes share, or its source if it may change; null if none is required. */
  readonly secret: string | SecretSource | null;
}

/** The secret of a cluster. It may change while the process runs; each handshake uses the current one. */
export interface SecretSource {
  /** The first is presented, all are accepted: one, or two while a secret is exchanged for another. */
  readonly current: readonly [string, ...string[]];
}

/** The reason for refusing a handshake of any protocol. */
export interface AccessRefusal extends FrameRefusal {
  /** Why the client was refused. */
  readonly status: 'WRONG_CERTIFICATE' | 'WRONG_SECRET' | 'WRONG_CLUSTER' | 'WRONG_VERSION';
}

/**
 * The versions that a process presents and accepts at present, newest first.
 * @param isSwitched whether the cluster has switched to the newest version
 */
export function spokenVersions(
  { version, previous }: HandshakeProtocol,
  isSwitched: boolean,
): readonly number[] {
  return isSwitched ? [version] : [version, previous];
}

/**
 * Makes an attempt with each of the versions, in their order, until one is not refused with `WRONG_VERSION`.
 * @throws the error of the last attempt.
 */
export async function tryVersions<T>(
  versions: readonly number[],
  attempt: (version: number) => Promise<T>,
): Promise<T> {
  const [version = Number.NaN, ...others] = versions;
  try {
    return await attempt(version);
  } catch (error) {
    const isOtherVersion = error instanceof FrameError && error.refusal?.status === 'WRONG_VERSION';
    if (!isOtherVersion || others.length === 0) throw error;
  }
  return tryVersions(others, attempt);
}

/** The version in the headers of a handshake, or of its response; null if there is no valid one. */
export function presentedVersion(
  { headers: names }: HandshakeProtocol,
  headers: IncomingHttpHeaders,
): number | null {
  const text = headers[names.version];
  return typeof text === 'string' && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}

/**
 * The response headers of an accepted handshake: a dialer that had to present the previous version learns from them
 * that the server speaks the newest one by now.
 */
export function versionHeaders({ version, headers }: HandshakeProtocol): Record<string, string> {
  return { [headers.version]: String(version) };
}

/** The request headers of a handshake by the process with this name, in one of the versions that it speaks. */
export function accessHeaders(
  { headers }: HandshakeProtocol,
  name: string,
  { cluster, secret }: ClusterCredentials,
  version: number,
): Record<string, string> {
  return presentHeaders({
    [headers.cluster]: cluster,
    [headers.version]: String(version),
    [headers.name]: name,
    [headers.secret]: presentedSecret(secret),
  });
}

/** Headers without those that have no value. */
export function presentHeaders(
  headers: Readonly<Record<string, string | null | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * Returns why a server refuses the certificate of a client, or null.
 * @param certificate null if the cluster does not use certificates
 * @param expected the common name that belongs to the process that the handshake names
 */
export function checkCertificate(
  certificate: CertificateCheck | null,
  expected: string | undefined,
): AccessRefusal | null {
  if (certificate === null) return null;
  const { problem, name } = certificate;
  if (problem !== null) return { httpStatus: 401, status: 'WRONG_CERTIFICATE', message: problem };
  if (name === expected) return null;
  const message = 'the certificate belongs to another process';
  return { httpStatus: 403, status: 'WRONG_CERTIFICATE', message };
}

/**
 * Returns why a server refuses a handshake, or null if the client belongs to its cluster and presents a version that
 * the server speaks.
 * @param versions see `spokenVersions`
 */
export function checkAccess(
  protocol: HandshakeProtocol,
  { cluster, secret }: ClusterCredentials,
  headers: IncomingHttpHeaders,
  versions: readonly number[],
): AccessRefusal | null {
  const { headers: names } = protocol;
  // Checked first, so that a client without the secret learns nothing about the cluster.
  if (!secretMatches(secret, headers[names.secret])) {
    const message = 'the secret of the cluster is missing or wrong';
    return { httpStatus: 401, status: 'WRONG_SECRET', message };
  }
  const theirCluster = headers[names.cluster];
  if (theirCluster !== cluster) {
    const message = `this process belongs to cluster ${cluster}, not ${quoteHeader(theirCluster)}`;
    return { httpStatus: 403, status: 'WRONG_CLUSTER', message };
  }
  const theirVersion = presentedVersion(protocol, headers);
  if (theirVersion !== null && versions.includes(theirVersion)) return null;
  const given = quoteHeader(headers[names.version]);
  const message =
    theirVersion === protocol.previous
      ? `the cluster has switched to protocol version ${protocol.version}, and this process no longer speaks version ` +
        `${given}: run the release of the other processes`
      : `this process speaks the protocol versions ${versions.join(' and ')}, not ${given}: ` +
        'upgrade by one release at a time, and run the same release in the whole cluster in the end';
  return { httpStatus: 426, status: 'WRONG_VERSION', message };
}

/** The secret that a client presents; null if the cluster has none. */
export function presentedSecret(secret: ClusterCredentials['secret']): string | null {
  return secret === null || typeof secret === 'string' ? secret : secret.current[0];
}

/** The secrets that a server accepts; empty if the cluster has none. */
export function acceptedSecrets(secret: ClusterCredentials['secret']): readonly string[] {
  if (secret === null) return [];
  return typeof secret === 'string' ? [secret] : secret.current;
}

/** Whether a given value is an accepted secret, in constant time. Without an expected secret every value matches. */
export function secretMatches(expected: ClusterCredentials['secret'], given: unknown): boolean {
  if (expected === null) return true;
  if (typeof given !== 'string') return false;
  // Digests have equal lengths. All are compared, so that the time does not tell which one matches.
  const digestOfGiven = digest(given);
  const matches = acceptedSecrets(expected).map((secret) => timingSafeEqual(digest(secret), digestOfGiven));
  return matches.includes(true);
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A header value for a message: short, and printable for any input. */
function quoteHeader(value: unknown): string {
  return JSON.stringify(value ?? null).slice(0, 80);
}
