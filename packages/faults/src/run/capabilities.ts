/** Capabilities of this machine that scenarios may need. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { hostNetworkProblem } from '@trireme/cluster';

export type Capability = 'root' | 'faketime' | 'compiler' | 'strace' | 'prlimit' | 'loop device' | 'hosts';

const FAKETIME_FOLDERS = ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime'];

/** Path of libfaketime for multi-threaded programs; null if it is not installed. */
export function faketimeLibrary(): string | null {
  const folder = FAKETIME_FOLDERS.find((path) => existsSync(path));
  const name =
    folder === undefined
      ? undefined
      : readdirSync(folder).find((file) => file.startsWith('libfaketimeMT.so'));
  return folder === undefined || name === undefined ? null : `${folder}/${name}`;
}

const REASONS: Readonly<Record<Capability, () => string | null>> = {
  root: () => (process.getuid?.() === 0 ? null : 'root is required'),
  faketime: () => (faketimeLibrary() === null ? 'libfaketime is not installed (Debian: libfaketime)' : null),
  compiler: () => missing('cc', 'Debian: gcc'),
  strace: () => missing('strace', 'Debian: strace'),
  prlimit: () => missing('prlimit', 'Debian: util-linux'),
  hosts: hostNetworkProblem,
  'loop device': () => {
    if (process.getuid?.() !== 0) return 'root is required';
    return existsSync('/dev/loop-control')
      ? missing('mkfs.ext4', 'Debian: e2fsprogs')
      : 'loop devices are not available';
  },
};

function missing(program: string, where: string): string | null {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return null;
  } catch {
    return `${program} is not installed (${where})`;
  }
}

/** Reason why this machine lacks one of the capabilities; null if it has all of them. */
export function missingCapability(needs: readonly Capability[]): string | null {
  for (const need of needs) {
    const reason = REASONS[need]();
    if (reason !== null) return reason;
  }
  return null;
}
