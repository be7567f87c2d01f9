/** Reads who this process is from its flags and its secret file, and refuses what may not run. */
import { readFileSync, statSync } from 'node:fs';
import type { Log } from '../log.js';
import type { LinkIdentity } from '../rules/handshake.js';
import { requireSecretBeyondLoopback } from '../rules/loopback.js';
import { parseSecret } from '../rules/secret.js';
import { UsageError } from '../rules/usage.js';

/** Permission bits of group and others. */
const OTHERS = 0o077;

/**
 * The identity that the common flags name.
 * @throws UsageError if the secret file cannot be read or is no secret, or if `host` is beyond loopback without one.
 */
export function readIdentity(
  options: {
    readonly id: string;
    readonly cluster: string;
    readonly host: string;
    readonly secretFile?: string;
  },
  log: Log,
): LinkIdentity {
  const secret = options.secretFile === undefined ? null : readSecret(options.secretFile, log);
  requireSecretBeyondLoopback(options.host, secret);
  return { name: options.id, cluster: options.cluster, secret };
}

/** The secret in a file, warning of one that others may read. @throws UsageError */
export function readSecret(file: string, log: Log): string {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(file, 'utf8');
    mode = statSync(file).mode;
  } catch (error) {
    throw new UsageError(`cannot read the secret file ${file}`, { cause: error });
  }
  // Only a warning: files that an orchestrator mounts are often readable by a group.
  if ((mode & OTHERS) !== 0) {
    log.warn({ file, mode: (mode & 0o777).toString(8) }, 'others may read the secret file; chmod 600 it');
  }
  return parseSecret(text, file);
}
