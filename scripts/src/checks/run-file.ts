/** Runs one test file in its own process group with a time limit, and kills whatever it leaves running. */
import { spawn, type ChildProcess } from 'node:child_process';
import { judgeTestFile, type TestFileVerdict } from './totals.js';

/** Output kept of one file, from its end, in characters. */
const OUTPUT_LENGTH_MAX = 1024 * 1024;

/** How long the children of a finished test may keep its output open, in milliseconds. */
const LINGER_MS_MAX = 2000;

/** Result of one test file. */
export interface TestFileResult {
  readonly verdict: TestFileVerdict;
  /** The last 1 MiB of its output. */
  readonly output: string;
  readonly tookMs: number;
}

/**
 * Runs a compiled test file.
 * @param options.timeoutMs time limit; after it the whole process group is killed and the file fails.
 * @param options.signal ends the run at once, in the same way as a time-out.
 */
export async function runTestFile(options: {
  readonly root: string;
  readonly file: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<TestFileResult> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', options.file], {
    cwd: options.root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  let output = '';
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_LENGTH_MAX);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);

  let timedOut = false;
  const expire = (): void => {
    timedOut = true;
    killGroup(child);
  };
  const timer = setTimeout(expire, options.timeoutMs);
  options.signal.addEventListener('abort', expire, { once: true });

  const ended = await endOf(child);
  clearTimeout(timer);
  options.signal.removeEventListener('abort', expire);
  const verdict = judgeTestFile(output, { ...ended, timedOut });
  return { verdict, output, tookMs: performance.now() - startedAt };
}

async function endOf(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; leftBehind: boolean }> {
  return new Promise((resolve, reject) => {
    let leftBehind = false;
    let linger: NodeJS.Timeout | undefined;
    child.once('error', reject);
    child.once('exit', () => {
      linger = setTimeout(() => {
        leftBehind = true;
        killGroup(child);
      }, LINGER_MS_MAX);
    });
    child.once('close', (code, signal) => {
      clearTimeout(linger);
      resolve({ code, signal, leftBehind });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has already ended.
  }
}
