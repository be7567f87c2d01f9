/** Runs one step of the verification: a program of the workspace, with its output. */
import { spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';

/** Characters of a step's output that are kept for reading its totals, from its end. */
const TAIL_LENGTH_MAX = 64 * 1024;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What came of a step. */
export interface StepResult {
  readonly passed: boolean;
  /** The last 64 KiB of its output. */
  readonly tail: string;
}

/**
 * Runs a program of `node_modules/.bin`, the Node that this is (`node`) or another program by its path, in the
 * workspace's root.
 * A signal that asks this process to stop is passed on to the program, and ends this process once the program has ended.
 * @param env variables beside those of this process.
 * @param print gets its output as it comes; standard output unless given.
 */
export async function runStep(
  root: string,
  argv: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>> = {},
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<StepResult> {
  const [program, ...args] = argv;
  const child = spawn(commandOf(root, program), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let tail = '';
  const passOn = (chunk: string): void => {
    print(chunk);
    tail = (tail + chunk).slice(-TAIL_LENGTH_MAX);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', passOn);
  const told: NodeJS.Signals[] = [];
  const stop = (signal: NodeJS.Signals): void => {
    told.push(signal);
    child.kill(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const signal of STOP_SIGNALS) process.off(signal, stop);
  if (told[0] !== undefined) process.kill(process.pid, told[0]);
  return { passed: code === 0, tail };
}

function commandOf(root: string, program: string): string {
  if (program === 'node') return process.execPath;
  return isAbsolute(program) ? program : join(root, 'node_modules', '.bin', program);
}
