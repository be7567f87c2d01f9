/** Measures the peak throughput of a system at N connections, with wrk or in this process. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requestSource, type RequestSeries } from '../rules/requests.js';
import { parseWrkOutput, wrkScript, type PeakFigures } from '../rules/wrk.js';
import { closedLoop } from './undici.js';

export const TOOLS = ['wrk', 'undici'] as const;

/** Both share the cores with the system under test; wrk takes less of them. */
export type Tool = (typeof TOOLS)[number];

export interface PeakOptions {
  readonly url: string;
  readonly connections: number;
  readonly warmupSeconds: number;
  /** Counted seconds. */
  readonly seconds: number;
  readonly requests: RequestSeries;
  /** Folder for the wrk script. */
  readonly folder: string;
}

const run = promisify(execFile);

/** The tool to use; `auto` is wrk if it is installed. @throws Error if wrk is wanted and not installed. */
export async function findTool(wanted: Tool | 'auto'): Promise<Tool> {
  if (wanted === 'undici') return wanted;
  if (await hasWrk()) return 'wrk';
  if (wanted === 'wrk')
    throw new Error('wrk is not installed; run apt-get install wrk, or use --tool undici');
  return 'undici';
}

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
  const figures = tool === 'wrk' ? await peakByWrk(options) : await peakByUndici(options);
  if (figures.perSecond === 0)
    throw new Error(
      `${options.url} answered no request; failures by reason: ${JSON.stringify(figures.failures)}`,
    );
  return figures;
}

async function peakByUndici({
  url,
  connections,
  warmupSeconds,
  seconds,
  requests,
}: PeakOptions): Promise<PeakFigures> {
  const { counter, perSecond } = await closedLoop({
    url,
    connections,
    warmupMs: warmupSeconds * 1000,
    countedMs: seconds * 1000,
    next: requestSource(requests),
  });
  return { perSecond, latency: counter.latency.summary(), failures: counter.failures, generatorCpu: 0 };
}

/** wrk has no warm-up, so an uncounted run with the same request numbers comes first. */
async function peakByWrk({
  url,
  connections,
  warmupSeconds,
  seconds,
  requests,
  folder,
}: PeakOptions): Promise<PeakFigures> {
  const script = join(folder, `requests-${new URL(url).port}.lua`);
  await writeFile(script, wrkScript(requests));
  const runFor = async (duration: number): Promise<string> => {
    const { stdout } = await run('wrk', [
      '-t1',
      `-c${connections}`,
      `-d${Math.max(1, Math.round(duration))}s`,
      '-s',
      script,
      url,
    ]);
    return stdout;
  };
  if (warmupSeconds > 0) await runFor(warmupSeconds);
  return parseWrkOutput(await runFor(seconds));
}
