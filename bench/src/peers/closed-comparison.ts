/**
 * Closed-loop comparisons: each repetition measures every system, one right after the other, in alternating
 * order.
 */
import type { Target } from '../load/connection.js';
import { measurePeak, type Tool } from '../load/peak.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { NumberedRequests } from '../rules/numbered-requests.js';
import type { PeerSample } from '../rules/peers.js';
import type { PeakFigures } from '../rules/wrk-output.js';

/** A system and its requests. Target and requests may change between runs: the leader moves, keys count up. */
export interface ComparedSystem {
  readonly system: string;
  readonly prepare: () => Promise<{ readonly target: Target; readonly requests: NumberedRequests }>;
}

export interface ClosedOptions {
  readonly tool: Tool;
  readonly pairs: number;
  /**
   * Load on each system before the first counted run at a number of connections: V8 recompiles for each kind
   * of load.
   */
  readonly startSeconds: number;
  /** Warm-up of each run. */
  readonly warmupSeconds: number;
  /** Counted seconds of each run. */
  readonly seconds: number;
  readonly folder: string;
}

/** Measures every system at every number of connections. */
export async function measureClosed(
  what: string,
  contenders: readonly ComparedSystem[],
  connectionCounts: readonly number[],
  options: ClosedOptions,
  progress: ProgressBar,
): Promise<readonly PeerSample[]> {
  const { tool, pairs, startSeconds, warmupSeconds, seconds, folder } = options;
  const run = async (
    { prepare }: ComparedSystem,
    connections: number,
    length: { readonly warmupSeconds: number; readonly seconds: number },
  ): Promise<PeakFigures> => {
    const figures = await measurePeak(tool, { ...(await prepare()), connections, ...length, folder });
    progress.end(length.warmupSeconds + length.seconds);
    return figures;
  };
  const samples: PeerSample[] = [];
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
