/**
 * Creates the certificates of a cluster: its own authority, and for each process a certificate with the process name as
 * common name. Node's crypto can verify X.509 certificates but not sign them, so this calls openssl, which most machines
 * have, instead of adding packages.
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { TlsMaterial } from '@trireme/raft/frames';
import { renameDurably, TEMPORARY_SUFFIX, fsyncPath } from '../files/durable-file.js';
import { isName } from '../link/handshake.js';
import { UsageError } from '../rules/usage-error.js';

export type { TlsMaterial } from '@trireme/raft/frames';

/** Paths of the three files of a process, for its `--tls` options. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Validity in days: ten years for the authority, two years for a process. */
const DAYS = { authority: 3_650, process: 730 } as const;

const AUTHORITY = 'authority';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;

/**
 * Creates the authority and a certificate for the process, unless they exist. The authority's key stays in the folder,
 * to sign further certificates; do not copy it to a machine of the cluster.
 * @param hosts addresses and host names at which others reach the process
 * @throws UsageError if openssl is not installed or fails, or the name or a host is invalid.
 */
export function createCertificate(folder: string, name: string, hosts: readonly string[]): CertificateFiles {
  return provide(folder, name, hosts, false);
}

/** Like `createCertificate`, but replaces an existing certificate by one with a new key. */
export function renewCertificate(folder: string, name: string, hosts: readonly string[]): CertificateFiles {
  return provide(folder, name, hosts, true);
}

function provide(
  folder: string,
  name: string,
  hosts: readonly string[],
  isRenewed: boolean,
): CertificateFiles {
  if (!isName(name) || name === AUTHORITY)
    throw new UsageError(`invalid process name: ${JSON.stringify(name)}`);
  const files = certificateFiles(folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(files.ca)) makeAuthority(folder);
  if (isRenewed || !existsSync(files.cert)) sign(folder, name, hosts.map(alternativeName));
  else finishRenewal(files);
  return files;
}

/** Moves the certificate of a new key into place, if a crash prevented that. @throws the system's error. */
export function finishRenewal({ cert, key }: CertificateFiles): void {
  const side = cert + TEMPORARY_SUFFIX;
  if (existsSync(side) && !isPair(cert, key) && isPair(side, key)) renameDurably(cert);
}

/** Whether both files can be read and the key belongs to the certificate. */
function isPair(cert: string, key: string): boolean {
  try {
    return new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)));
  } catch {
    return false;
  }
}

/** Whether the folder has the authority's key, which may be kept elsewhere. */
export function hasAuthorityKey(folder: string): boolean {
  return existsSync(join(folder, `${AUTHORITY}.key`));
}

/** Reads the three files. @throws the system's error if one cannot be read. */
export function readCertificateFiles({ ca, cert, key }: CertificateFiles): TlsMaterial {
  const read = (file: string): string => readFileSync(file, 'utf8');
  return { ca: read(ca), cert: read(cert), key: read(key) };
}

/** The paths that `createCertificate` uses. */
export function certificateFiles(folder: string, name: string): CertificateFiles {
  const file = (base: string): string => join(folder, base);
  return { ca: file(`${AUTHORITY}.pem`), cert: file(`${name}.pem`), key: file(`${name}.key`) };
}

function makeAuthority(folder: string): void {
  const { authority } = DAYS;
  openssl(folder, [
    ...['req', '-x509', ...NEW_KEY, '-days', String(authority), '-subj', '/CN=trireme authority'],
    ...[
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-keyout',
      `${AUTHORITY}.key${TEMPORARY_SUFFIX}`,
      '-out',
      `${AUTHORITY}.pem${TEMPORARY_SUFFIX}`,
    ],
  ]);
  install(folder, AUTHORITY);
}

/**
 * Moves the key and then the certificate into place. After a crash between the two, `finishRenewal` moves the
 * certificate.
 * @throws UsageError if the certificate is incomplete.
 */
function install(folder: string, name: string): void {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  chmodSync(key + TEMPORARY_SUFFIX, 0o600);
  if (!isPair(certificate + TEMPORARY_SUFFIX, key + TEMPORARY_SUFFIX))
    throw new UsageError(
      `cannot create certificates: ${certificate} is incomplete; check whether the disk is full`,
    );
  // Sync before the key moves: once the new key is in place, its certificate must survive a power loss.
  fsyncPath(certificate + TEMPORARY_SUFFIX);
  renameDurably(key);
  renameDurably(certificate);
}

function sign(folder: string, name: string, alternatives: readonly string[]): void {
  const [request, extensions] = [`${name}.csr`, `${name}.ext`];
  const lines = [
    `subjectAltName=${alternatives.join(',')}`,
    'basicConstraints=critical,CA:FALSE',
    'extendedKeyUsage=serverAuth,clientAuth',
  ];
  writeFileSync(join(folder, extensions), `${lines.join('\n')}\n`);
  try {
    openssl(folder, [
      'req',
      '-new',
      ...NEW_KEY,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key${TEMPORARY_SUFFIX}`,
      '-out',
      request,
    ]);
    openssl(folder, [
      ...['x509', '-req', '-in', request, '-CA', `${AUTHORITY}.pem`, '-CAkey', `${AUTHORITY}.key`],
      ...['-set_serial', serialNumber(), '-days', String(DAYS.process), '-extfile', extensions],
      ...['-out', `${name}.pem${TEMPORARY_SUFFIX}`],
    ]);
    install(folder, name);
  } finally {
    for (const file of [request, extensions]) rmSync(join(folder, file), { force: true });
  }
}

/** 64 random bits, like public CAs: a counter would need another file. */
function serialNumber(): string {
  return `0x01${randomBytes(8).toString('hex')}`;
}

const HOST_NAME = /^[A-Za-z0-9*]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

function alternativeName(host: string): string {
  if (isIP(host) !== 0) return `IP:${host}`;
  if (HOST_NAME.test(host)) return `DNS:${host}`;
  throw new UsageError(`invalid host name: ${JSON.stringify(host)}`);
}

/** Whether openssl is installed, which `createCertificate` needs. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function openssl(folder: string, args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isMissing ? 'openssl is not installed' : String(error);
    throw new UsageError(`cannot create certificates: ${why}`, { cause: error });
  }
}
