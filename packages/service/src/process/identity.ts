/** Reads the identity of a process from its options and files, and rejects unsafe combinations. */
import { readFileSync, statSync } from 'node:fs';
import { CertificateReloader } from '../certificates/certificate-watch.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import type { LinkIdentity, Secret } from '../link/handshake.js';
import { requireSecretBeyondLoopback } from '../rules/loopback.js';
import { errorMessage } from '../rules/error-message.js';
import { parseSecrets } from '../rules/secret.js';
import { UsageError } from '../rules/usage-error.js';
import { SecretFile } from './secret-file.js';

/** Permission bits of the group and of others. */
const OTHERS = 0o077;

/**
 * Reads the identity that the common options describe.
 * @throws UsageError if the secret file cannot be read or is invalid, if the TLS files are incomplete or do not belong
 *   together, or if `host` is not loopback and there is neither a secret nor a certificate.
 */
export function readIdentity(
  options: {
    readonly id: string;
    readonly cluster: string;
    readonly host: string;
    readonly secretFile?: string;
    readonly tlsCa?: string;
    readonly tlsCert?: string;
    readonly tlsKey?: string;
  },
  log: Log,
  metrics: Metrics,
): LinkIdentity {
  const secret: Secret = options.secretFile === undefined ? null : readSecret(options.secretFile, log);
  const tls = readTls(options, log, metrics);
  requireSecretBeyondLoopback(options.host, { secret, tls });
  return { name: options.id, cluster: options.cluster, secret, tls };
}

/** @throws UsageError if a file cannot be read or used, or only some of the three are given. */
function readTls(
  { tlsCa, tlsCert, tlsKey }: { tlsCa?: string; tlsCert?: string; tlsKey?: string },
  log: Log,
  metrics: Metrics,
): CertificateReloader | null {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('--tls-ca, --tls-cert and --tls-key must be given together');
  }
  const material = {
    ca: readFile(tlsCa, 'certificate file'),
    cert: readFile(tlsCert, 'certificate file'),
    key: readGuarded(tlsKey, 'key file', log),
  };
  const files = { ca: tlsCa, cert: tlsCert, key: tlsKey };
  try {
    return new CertificateReloader({ files, material, log, metrics });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`cannot use ${tlsCert} with ${tlsKey} and ${tlsCa}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Reads a secret file, now and when it changes. Logs a warning if other users can read it. @throws UsageError */
export function readSecret(file: string, log: Log): SecretFile {
  return new SecretFile(file, parseSecrets(readGuarded(file, 'secret file', log), file), log);
}

function readGuarded(file: string, what: string, log: Log): string {
  const text = readFile(file, what);
  const { mode } = statSync(file);
  // Not an error, because files that an orchestrator mounts are often readable by a group.
  if ((mode & OTHERS) !== 0) {
    const fields = { file, mode: (mode & 0o777).toString(8) };
    log.warn(fields, `other users can read the ${what}: set its mode to 600`);
  }
  return text;
}

function readFile(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the ${what} ${file}: ${errorMessage(error)}`, { cause: error });
  }
}
