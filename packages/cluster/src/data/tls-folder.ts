/** Certificates of a cluster on one machine, in its data folder. The first start decides whether it has any. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  EXPIRY_WARNING_MS,
  certificateFiles,
  expiryOf,
  checkCertificate,
  finishRenewal,
  hasAuthorityKey,
  createCertificate,
  readCertificateFiles,
  renewCertificate,
  type CertificateFiles,
  type TlsMaterial,
} from '@trireme/service';
import { hasRunCluster } from './data-folder.js';
import { ClusterError } from '../errors.js';

/** Folder of the authority and the certificates, in the data folder. */
const CERTIFICATES = 'certificates';

/** Certificate name of the operator's command and of the supervisor. */
const OPERATOR = 'operator';

/** The processes listen on loopback only. */
const HOSTS = ['127.0.0.1', 'localhost'] as const;

/** Returns the certificate of a process. Makes it if missing, and renews it if it expires soon. */
export type CertificateProvider = (name: string) => CertificateFiles;

/**
 * Source of the processes' certificates; null for a cluster that uses plain HTTP on loopback.
 * @param asked whether a new cluster gets certificates; an existing one keeps its choice
 * @throws ClusterError `BAD_OPTION` if `asked` for an existing cluster without certificates: its log has http URLs.
 */
export function openCertificateProvider(dataDir: string, asked: boolean): CertificateProvider | null {
  const folder = join(dataDir, CERTIFICATES);
  const hasThem = existsSync(certificateFiles(folder, OPERATOR).cert);
  if (!hasThem && !asked) return null;
  if (!hasThem && hasRunCluster(dataDir)) {
    throw new ClusterError(
      'BAD_OPTION',
      `the cluster on ${dataDir} was created without TLS, and its log contains http URLs: omit --tls, ` +
        'or start a new cluster with --fresh',
    );
  }
  const certify: CertificateProvider = (name) => {
    const files = createCertificate(folder, name, HOSTS);
    const end = expiryOf(checkCertificate(readCertificateFiles(files)));
    return end - Date.now() < EXPIRY_WARNING_MS && hasAuthorityKey(folder)
      ? renewCertificate(folder, name, HOSTS)
      : files;
  };
  certify(OPERATOR);
  return certify;
}

/** Certificate of the operator of the cluster on this folder; null if it has no certificates. */
export function operatorTls(dataDir: string): TlsMaterial | null {
  const files = certificateFiles(join(dataDir, CERTIFICATES), OPERATOR);
  if (!existsSync(files.cert)) return null;
  finishRenewal(files);
  return readCertificateFiles(files);
}
