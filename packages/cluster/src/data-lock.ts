/**
 * Keeps a second supervisor off a data folder, and cannot be left stuck by one that was killed.
 *
 * Each supervisor first puts down a file named after itself and only then looks for those of others. Of two that
 * come at once, the one that looks last sees the other's file: both may give way, never both go on. The file of
 * a dead process is known by the process's identity and is removed.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.js';
import { identityLives, processIdentity } from './process-identity.js';

const LOCK_FILE = /^supervisor-(.+)\.lock$/;

/** Whether an entry of a data folder is a lock. */
export function isLockFile(name: string): boolean {
  return LOCK_FILE.test(name);
}

/** A held data folder. */
export interface DataLock {
  release(): void;
}

/**
 * Takes a data folder for this process.
 * @throws ClusterError `ALREADY_RUNNING` if another supervisor, or another cluster of this process, holds it.
 */
export function acquireDataLock(dataDir: string): DataLock {
  const self = processIdentity(process.pid) ?? `${process.pid}`;
  const path = join(dataDir, `supervisor-${self}.lock`);
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new ClusterError('ALREADY_RUNNING', `${dataDir} is held by a cluster of this very process`, {
      cause: error,
    });
  }
  for (const name of readdirSync(dataDir)) {
    const holder = LOCK_FILE.exec(name)?.[1];
    if (holder === undefined || holder === self) continue;
    if (identityLives(holder)) {
      rmSync(path, { force: true });
      const pid = Number.parseInt(holder, 10);
      throw new ClusterError('ALREADY_RUNNING', `a cluster already runs on ${dataDir} (process ${pid})`);
    }
    rmSync(join(dataDir, name), { force: true });
  }
  return { release: () => rmSync(path, { force: true }) };
}
