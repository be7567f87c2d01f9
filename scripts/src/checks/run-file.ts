/** Runs one test file in a process group of its own, within a time limit, and leaves nothing of it behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { judge, type Verdict } from './totals.js';

/** Characters of output kept of one file, from its end. */
const OUTPUT_LENGTH_MAX = 1024 * 1024;

/** How long a finished test's own children may hold its output open, in milliseconds. */
const LINGER_MS_MAX = 2000;

/** What came of one test file. */
export interface FileRun {
  readonly verdict: Verdict;
  /** The last 1 MiB of what it printed. */
  readonly output: string;
  readonly tookMs: number;
}

/**
 * Runs a compiled test file.
 * @param options.timeoutMs after this the whole process group is killed and the file has failed.
 * @param options.signal stops it at once, as a time-out does.
 */
export async function runTestFile(options: {
  readonly root: string;
  readonly file: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<FileRun> {
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
  const verdict = judge(output, { ...ended, timedOut });
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
    // The group is gone already.
  }
}
