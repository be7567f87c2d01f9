/** Runs one step of the verification: a program of the workspace. */
import { spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';

/** Output of a step that is kept to read its totals, from its end, in characters. */
const TAIL_LENGTH_MAX = 64 * 1024;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Result of a step. */
export interface StepResult {
  readonly passed: boolean;
  /** The last 64 KiB of its output. */
  readonly tail: string;
}

/**
 * Runs a program in the root of the workspace: one of `node_modules/.bin`, this Node (`node`), or a program by its
 * absolute path.
 * A stop signal is forwarded to the program, and ends this process once the program has ended.
 * @param env variables added to those of this process.
 * @param print receives the output as it arrives; writes it to standard output by default.
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
  const onOutput = (chunk: string): void => {
    print(chunk);
    tail = (tail + chunk).slice(-TAIL_LENGTH_MAX);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onOutput);
  const received: NodeJS.Signals[] = [];
  const stop = (signal: NodeJS.Signals): void => {
    received.push(signal);
    child.kill(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const signal of STOP_SIGNALS) process.off(signal, stop);
  if (received[0] !== undefined) process.kill(process.pid, received[0]);
  return { passed: code === 0, tail };
}

function commandOf(root: string, program: string): string {
  if (program === 'node') return process.execPath;
  return isAbsolute(program) ? program : join(root, 'node_modules', '.bin', program);
}
