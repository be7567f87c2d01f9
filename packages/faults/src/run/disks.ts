/** Faulty disks: data folders on their own file systems, and syncs that fail, hang or are slow. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultEnvironment } from './fault-environment.js';
import { powerOffProgram, syncFaultsLibrary } from './native.js';

/** Behavior of the syncs of a process; `slow` adds that many milliseconds. */
export type SyncMode = 'sound' | 'fail' | 'hang' | `slow ${number}`;

/** Lets `setSyncMode` change the syncs of a process, from its next start on. */
export function controllableSyncs(dataDir: string, name: string): FaultEnvironment {
  return { env: { LD_PRELOAD: syncFaultsLibrary(), TRIREME_SYNC_FILE: orderFile(dataDir, name) } };
}

/** Changes the behavior of all further syncs of a process. */
export function setSyncMode(dataDir: string, name: string, order: SyncMode): void {
  const path = orderFile(dataDir, name);
  writeFileSync(`${path}.new`, order);
  renameSync(`${path}.new`, path);
}

function orderFile(dataDir: string, name: string): string {
  return join(dataDir, `syncs-of-${name}`);
}

/** Mounts a small tmpfs on the data folder of a process. @returns a function that unmounts it */
export function mountSmallDisk(dataDir: string, name: string, mebibytes: number): () => void {
  const folder = join(dataDir, name);
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  return () => unmount(folder);
}

/** Remounts a small disk read-only or writable. The process that uses it must be down. */
export function setReadOnly(dataDir: string, name: string, isReadOnly: boolean): void {
  execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, join(dataDir, name)]);
}

/** Fills a small disk. @returns a function that frees the space */
export function fillDisk(dataDir: string, name: string): () => void {
  const path = join(dataDir, name, 'filler');
  const piece = Buffer.alloc(64 * 1024);
  try {
    for (;;) writeFileSync(path, piece, { flag: 'a' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
  return () => rmSync(path);
}

/**
 * Mounts an ext4 image on the data folder of a process, for `losePower`.
 * @returns a function that unmounts it
 */
export function mountLoopDisk(dataDir: string, name: string, mebibytes: number): () => void {
  const [folder, image] = [join(dataDir, name), imageOf(dataDir, name)];
  mkdirSync(folder, { recursive: true });
  execFileSync('truncate', ['-s', `${mebibytes}M`, image]);
  execFileSync('mkfs.ext4', ['-q', '-E', 'root_owner=0:0', image]);
  execFileSync('mount', ['-o', 'loop', image, folder]);
  rmSync(join(folder, 'lost+found'), { recursive: true });
  return () => unmount(folder);
}

/** Simulates a power loss of a loop disk: unsynced data is lost. Kill the process before `restorePower`. */
export function losePower(dataDir: string, name: string): void {
  execFileSync(powerOffProgram(), [join(dataDir, name)]);
}

export function restorePower(dataDir: string, name: string): void {
  const folder = join(dataDir, name);
  unmount(folder);
  execFileSync('mount', ['-o', 'loop', imageOf(dataDir, name), folder]);
}

function imageOf(dataDir: string, name: string): string {
  return join(dataDir, `disk-of-${name}`);
}

function unmount(folder: string): void {
  execFileSync('umount', [folder]);
}
