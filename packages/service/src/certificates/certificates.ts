/**
 * Certificates of a cluster: an authority of its own, and one certificate for each process with its name as common
 * name. Node's crypto can check X.509 but not sign it; openssl is on nearly every machine that runs a cluster, and what
 * it does here is not worth a dozen packages.
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { TlsMaterial } from '@trireme/raft/frames';
import { moveIntoPlace, SIDE_SUFFIX, syncNow } from '../files/durable-file.js';
import { isName } from '../rules/handshake.js';
import { UsageError } from '../rules/usage.js';

export type { TlsMaterial } from '@trireme/raft/frames';

/** Where the three files of one process lie, as its flags want them. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Ten years for the authority, two for what it signs. */
const DAYS = { authority: 3_650, process: 730 } as const;

const AUTHORITY = 'authority';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;

/**
 * Makes what is not there yet: the authority, and a certificate for the process. The authority's key stays in the
 * folder for processes to come; it belongs on no machine of the cluster.
 * @param hosts addresses and host names under which others reach the process
 * @throws UsageError if openssl is not installed, or a name or host is none.
 */
export function makeCertificate(folder: string, name: string, hosts: readonly string[]): CertificateFiles {
  return provide(folder, name, hosts, false);
}

/** As `makeCertificate`, but makes a new certificate, with a new key, in the place of one that is there. */
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
    throw new UsageError(`${JSON.stringify(name)} is not a process's name`);
  const files = certificateFiles(folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(files.ca)) makeAuthority(folder);
  if (isRenewed || !existsSync(files.cert)) sign(folder, name, hosts.map(alternativeName));
  else finishRenewal(files);
  return files;
}

/** Moves a new key's certificate into place if a crash came after the move of the key. @throws the system's error. */
export function finishRenewal({ cert, key }: CertificateFiles): void {
  const side = cert + SIDE_SUFFIX;
  if (existsSync(side) && !isPair(cert, key) && isPair(side, key)) moveIntoPlace(cert);
}

/** Whether both can be read and the certificate is that of the key. */
function isPair(cert: string, key: string): boolean {
  try {
    return new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)));
  } catch {
    return false;
  }
}

/** Whether certificates can be made in the folder: the authority's key may be kept elsewhere. */
export function hasAuthorityKey(folder: string): boolean {
  return existsSync(join(folder, `${AUTHORITY}.key`));
}

/** The text of the three files. @throws the system's error if one cannot be read. */
export function readCertificate({ ca, cert, key }: CertificateFiles): TlsMaterial {
  const read = (file: string): string => readFileSync(file, 'utf8');
  return { ca: read(ca), cert: read(cert), key: read(key) };
}

/** Where `makeCertificate` puts them. */
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
      `${AUTHORITY}.key${SIDE_SUFFIX}`,
      '-out',
      `${AUTHORITY}.pem${SIDE_SUFFIX}`,
    ],
  ]);
  keep(folder, AUTHORITY);
}

/**
 * Moves key and certificate into place, the certificate last. After a crash in between `finishRenewal` moves the certificate.
 * @throws UsageError.
 */
function keep(folder: string, name: string): void {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  chmodSync(key + SIDE_SUFFIX, 0o600);
  if (!isPair(certificate + SIDE_SUFFIX, key + SIDE_SUFFIX))
    throw new UsageError(
      `certificates cannot be made: ${certificate} was not written whole; is the disk full?`,
    );
  // Before the key moves: where the new key is, its certificate has to survive a power loss.
  syncNow(certificate + SIDE_SUFFIX);
  moveIntoPlace(key);
  moveIntoPlace(certificate);
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
      `${name}.key${SIDE_SUFFIX}`,
      '-out',
      request,
    ]);
    openssl(folder, [
      ...['x509', '-req', '-in', request, '-CA', `${AUTHORITY}.pem`, '-CAkey', `${AUTHORITY}.key`],
      ...['-set_serial', serialNumber(), '-days', String(DAYS.process), '-extfile', extensions],
      ...['-out', `${name}.pem${SIDE_SUFFIX}`],
    ]);
    keep(folder, name);
  } finally {
    for (const file of [request, extensions]) rmSync(join(folder, file), { force: true });
  }
}

/** 64 random bits, as CAs use: a counter would be one more file to keep. */
function serialNumber(): string {
  return `0x01${randomBytes(8).toString('hex')}`;
}

const HOST_NAME = /^[A-Za-z0-9*]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

function alternativeName(host: string): string {
  if (isIP(host) !== 0) return `IP:${host}`;
  if (HOST_NAME.test(host)) return `DNS:${host}`;
  throw new UsageError(`${JSON.stringify(host)} is no host name`);
}

/** Whether `makeCertificate` can make anything on this machine. */
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
    throw new UsageError(`certificates cannot be made: ${why}`, { cause: error });
  }
}
