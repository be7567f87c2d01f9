/** Certificates of a cluster on one machine: whether it has any is settled when it begins, and kept in its data folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  WARNED_MS,
  certificateFiles,
  endOf,
  examineCertificate,
  finishRenewal,
  hasAuthorityKey,
  makeCertificate,
  readCertificate,
  renewCertificate,
  type CertificateFiles,
  type TlsMaterial,
} from '@trireme/service';
import { isUsed } from './data-folder.js';
import { ClusterError } from './errors.js';

/** Folder of the authority and the certificates, in the data folder. */
const CERTIFICATES = 'certificates';

/** Whom the operator's command and the supervisor are to the processes. */
const OPERATOR = 'operator';

/** All that listens here is reached on this machine alone. */
const HOSTS = ['127.0.0.1', 'localhost'] as const;

/** Gives a process's certificate, which is made where there is none, and anew where its end is near. */
export type Certify = (name: string) => CertificateFiles;

/**
 * How the processes of this cluster get certificates; null where it speaks plain HTTP on loopback.
 * @param asked whether a new cluster is to have them; one that ran before goes on as it began
 * @throws ClusterError `BAD_OPTION` if they are asked of one that began without: its log names every replica by its url.
 */
export function certifying(dataDir: string, asked: boolean): Certify | null {
  const folder = join(dataDir, CERTIFICATES);
  const hasThem = existsSync(certificateFiles(folder, OPERATOR).cert);
  if (!hasThem && !asked) return null;
  if (!hasThem && isUsed(dataDir)) {
    throw new ClusterError(
      'BAD_OPTION',
      `${dataDir} is of a cluster without certificates: its log names its replicas by http; begin anew with --fresh, or leave --tls out`,
    );
  }
  const certify: Certify = (name) => {
    const files = makeCertificate(folder, name, HOSTS);
    const end = endOf(examineCertificate(readCertificate(files)));
    return end - Date.now() < WARNED_MS && hasAuthorityKey(folder)
      ? renewCertificate(folder, name, HOSTS)
      : files;
  };
  certify(OPERATOR);
  return certify;
}

/** What the operator of the cluster on this folder is known by; null where it has no certificates. */
export function operatorTls(dataDir: string): TlsMaterial | null {
  const files = certificateFiles(join(dataDir, CERTIFICATES), OPERATOR);
  if (!existsSync(files.cert)) return null;
  finishRenewal(files);
  return readCertificate(files);
}
