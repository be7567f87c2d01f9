/** Reads who this process is from its flags and its secret file, and refuses what may not run. */
import { readFileSync, statSync } from 'node:fs';
import { CertificateWatch } from '../certificates/certificate-watch.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import type { LinkIdentity } from '../rules/handshake.js';
import { requireGuardBeyondLoopback } from '../rules/loopback.js';
import { messageOf } from '../rules/message.js';
import { parseSecret } from '../rules/secret.js';
import { UsageError } from '../rules/usage.js';

/** Permission bits of group and others. */
const OTHERS = 0o077;

/**
 * The identity that the common flags name.
 * @throws UsageError if the secret file cannot be read or is no secret, if there is a part of the certificates only or they do
 *   not go together, or if `host` is beyond loopback without either.
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
  const secret = options.secretFile === undefined ? null : readSecret(options.secretFile, log);
  const tls = readTls(options, log, metrics);
  requireGuardBeyondLoopback(options.host, { secret, tls });
  return { name: options.id, cluster: options.cluster, secret, ...(tls === null ? {} : { tls }) };
}

/** @throws UsageError if a file cannot be read or used, or only some of the three are named. */
function readTls(
  { tlsCa, tlsCert, tlsKey }: { tlsCa?: string; tlsCert?: string; tlsKey?: string },
  log: Log,
  metrics: Metrics,
): CertificateWatch | null {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('--tls-ca, --tls-cert and --tls-key go together');
  }
  const material = {
    ca: readFile(tlsCa, 'certificate file'),
    cert: readFile(tlsCert, 'certificate file'),
    key: readGuarded(tlsKey, 'key file', log),
  };
  const files = { ca: tlsCa, cert: tlsCert, key: tlsKey };
  try {
    return new CertificateWatch({ files, material, log, metrics });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`cannot use ${tlsCert} with ${tlsKey} and ${tlsCa}: ${error.message}`, {
      cause: error,
    });
  }
}

/** The secret in a file, warning of one that others may read. @throws UsageError */
export function readSecret(file: string, log: Log): string {
  return parseSecret(readGuarded(file, 'secret file', log), file);
}

function readGuarded(file: string, what: string, log: Log): string {
  const text = readFile(file, what);
  const { mode } = statSync(file);
  // Only a warning: files that an orchestrator mounts are often readable by a group.
  if ((mode & OTHERS) !== 0) {
    log.warn({ file, mode: (mode & 0o777).toString(8) }, `others may read the ${what}; chmod 600 it`);
  }
  return text;
}

function readFile(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the ${what} ${file}: ${messageOf(error)}`, { cause: error });
  }
}
