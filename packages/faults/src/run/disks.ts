/** Disks that can be hurt: a data folder of its own file system, and syncs that do as they are told. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hindrance } from './hindrance.js';
import { powerOffProgram, syncFaultsLibrary } from './native.js';

/** What a process's syncs do: `slow` takes so many milliseconds longer. */
export type SyncOrder = 'sound' | 'fail' | 'hang' | `slow ${number}`;

/** Has a process's syncs do as `orderSyncs` says, from its next start on. */
export function unsoundSyncs(dataDir: string, name: string): Hindrance {
  return { env: { LD_PRELOAD: syncFaultsLibrary(), TRIREME_SYNC_FILE: orderFile(dataDir, name) } };
}

/** Changes what a process's syncs do, from its next one on. */
export function orderSyncs(dataDir: string, name: string, order: SyncOrder): void {
  const path = orderFile(dataDir, name);
  writeFileSync(`${path}.new`, order);
  renameSync(`${path}.new`, path);
}

function orderFile(dataDir: string, name: string): string {
  return join(dataDir, `syncs-of-${name}`);
}

/** Puts a process's data folder on a small file system in memory. @returns what undoes it. */
export function mountSmallDisk(dataDir: string, name: string, mebibytes: number): () => void {
  const folder = join(dataDir, name);
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  return () => unmount(folder);
}

/** Has a small disk take no writes, or take them again. No process may write there at that moment. */
export function setReadOnly(dataDir: string, name: string, isReadOnly: boolean): void {
  execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, join(dataDir, name)]);
}

/** Fills what is left of a small disk. @returns what makes room again. */
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

/** Puts a process's data folder on an ext4 in a file, whose power can be cut. @returns what undoes it. */
export function mountLoopDisk(dataDir: string, name: string, mebibytes: number): () => void {
  const [folder, image] = [join(dataDir, name), imageOf(dataDir, name)];
  mkdirSync(folder, { recursive: true });
  execFileSync('truncate', ['-s', `${mebibytes}M`, image]);
  execFileSync('mkfs.ext4', ['-q', '-E', 'root_owner=0:0', image]);
  execFileSync('mount', ['-o', 'loop', image, folder]);
  rmSync(join(folder, 'lost+found'), { recursive: true });
  return () => unmount(folder);
}

/** Cuts the power of a loop disk: what was not synced is gone. The process must be killed before `restorePower`. */
export function cutPower(dataDir: string, name: string): void {
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
