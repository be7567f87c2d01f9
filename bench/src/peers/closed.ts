/** Closed-loop comparisons: every repetition visits every system, in alternating order, one right after the other. */
import type { Target } from '../load/connection.js';
import { findPeak, type Tool } from '../load/peak.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { NumberedRequests } from '../rules/numbered.js';
import type { Sample } from '../rules/peers.js';
import type { PeakFigures } from '../rules/wrk-output.js';

/** A system, and what is asked of it. Both may change from run to run: a leader moves, keys count up. */
export interface Contender {
  readonly system: string;
  readonly prepare: () => Promise<{ readonly target: Target; readonly requests: NumberedRequests }>;
}

export interface ClosedOptions {
  readonly tool: Tool;
  readonly pairs: number;
  /**
   * How long each system works at a number of connections before any run there counts: what compiles code as it runs compiles it
   * anew for another kind of load, and until then that takes processors from what is measured.
   */
  readonly startSeconds: number;
  /** Warm-up of each run. */
  readonly warmupSeconds: number;
  /** Seconds of each run that count. */
  readonly seconds: number;
  readonly folder: string;
}

/** Measures every contender at every number of connections. */
export async function measureClosed(
  what: string,
  contenders: readonly Contender[],
  connectionCounts: readonly number[],
  options: ClosedOptions,
  progress: ProgressBar,
): Promise<readonly Sample[]> {
  const { tool, pairs, startSeconds, warmupSeconds, seconds, folder } = options;
  const run = async (
    { prepare }: Contender,
    connections: number,
    length: { readonly warmupSeconds: number; readonly seconds: number },
  ): Promise<PeakFigures> => {
    const figures = await findPeak(tool, { ...(await prepare()), connections, ...length, folder });
    progress.end(length.warmupSeconds + length.seconds);
    return figures;
  };
  const samples: Sample[] = [];
  for (const connections of connectionCounts) {
    for (const contender of contenders) {
      progress.begin(`${what}, ${connections} connections: ${contender.system} warms up`);
      await run(contender, connections, { warmupSeconds: 0, seconds: startSeconds });
    }
    for (const { repetition, condition } of interleave(contenders, pairs)) {
      const { system } = condition;
      progress.begin(`${what}, ${connections} connections, pair ${repetition + 1}: ${system}`);
      const figures = await run(condition, connections, { warmupSeconds, seconds });
      samples.push({ ...{ what, system, connections, repetition }, ...figures });
    }
  }
  return samples;
}
