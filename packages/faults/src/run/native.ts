/** Compiles the helpers written in C, once per version of their source. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the library that injects sync faults. @throws Error if it cannot be compiled. */
export function syncFaultsLibrary(): string {
  return compile('sync-faults', ['-shared', '-fPIC'], ['-ldl']);
}

/** Path of the program that shuts down a file system. @throws Error if it cannot be compiled. */
export function powerOffProgram(): string {
  return compile('power-off', [], []);
}

function compile(name: string, flags: readonly string[], libraries: readonly string[]): string {
  const source = fileURLToPath(new URL(`../../native/${name}.c`, import.meta.url));
  const version = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `trireme-native-${process.getuid?.() ?? 0}`);
  const path = join(folder, `${name}-${version}`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  execFileSync('cc', ['-O1', '-Wall', ...flags, '-o', fresh, source, ...libraries]);
  renameSync(fresh, path);
  return path;
}
