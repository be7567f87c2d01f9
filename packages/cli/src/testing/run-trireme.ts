/** Runs `trireme`, or another program, as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The root of the repository, and the program in it. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const TRIREME = fileURLToPath(new URL('../../bin/trireme.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. `killAt` kills it as soon as its standard error matches. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    /** Descriptor for its standard output. */
    readonly stdout?: number;
    readonly env?: NodeJS.ProcessEnv;
    readonly killAt?: RegExp;
  } = {},
): Promise<Ended> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      if (name === 'stderr' && options.killAt?.test(output.stderr) === true) child.kill('SIGKILL');
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

export async function trireme(...args: readonly string[]): Promise<Ended> {
  return runProgram(process.execPath, [TRIREME, ...args]);
}
