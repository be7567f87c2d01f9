/** Measures the peak throughput of a system at N connections, with our own closed loop or with wrk. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { luaScript, requestSource, type NumberedRequests } from '../rules/numbered-requests.js';
import { parseWrkOutput, type PeakFigures } from '../rules/wrk-output.js';
import { closedLoop } from './closed-loop.js';
import { hostOf, type Target } from './connection.js';

/** `own` is the closed loop in this process. */
export const TOOLS = ['own', 'wrk'] as const;

export type Tool = (typeof TOOLS)[number];

export interface PeakOptions {
  readonly target: Target;
  readonly connections: number;
  readonly warmupSeconds: number;
  /** Counted seconds. */
  readonly seconds: number;
  readonly requests: NumberedRequests;
  /** Folder for the wrk script. */
  readonly folder: string;
}

const run = promisify(execFile);

/** Whether wrk is installed. */
export async function hasWrk(): Promise<boolean> {
  try {
    await run('wrk', ['--version']);
    return true;
  } catch (error) {
    // `wrk --version` prints the version and exits with code 1.
    return error instanceof Error && 'stdout' in error && String(error.stdout).startsWith('wrk ');
  }
}

/** Measures the peak. @throws Error if the tool fails, or no request was answered with a 200. */
export async function measurePeak(tool: Tool, options: PeakOptions): Promise<PeakFigures> {
  const figures = tool === 'wrk' ? await peakByWrk(options) : await peakByOwn(options);
  if (figures.perSecond === 0) throw new Error(`${hostOf(options.target)} answered no request`);
  return figures;
}

async function peakByOwn(options: PeakOptions): Promise<PeakFigures> {
  const { tally, perSecond } = await closedLoop({
    target: options.target,
    connections: options.connections,
    warmupMs: options.warmupSeconds * 1000,
    countedMs: options.seconds * 1000,
    next: requestSource(options.requests, Math.random),
  });
  const { mean, p50, p99 } = tally.latency.summary();
  return { perSecond, mean, p50, p99, failed: tally.failed };
}

/** wrk has no warm-up, so an uncounted run with the same request numbers comes first. */
async function peakByWrk(options: PeakOptions): Promise<PeakFigures> {
  const script = join(options.folder, 'requests.lua');
  await writeFile(script, luaScript(options.requests));
  const runFor = async (seconds: number): Promise<string> => {
    const { stdout } = await run('wrk', [
      ...['-t1', `-c${options.connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '-s', script],
      `http://${hostOf(options.target)}/`,
    ]);
    return stdout;
  };
  if (options.warmupSeconds > 0) await runFor(options.warmupSeconds);
  return parseWrkOutput(await runFor(options.seconds));
}
