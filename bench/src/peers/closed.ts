/** Closed-loop comparisons: every repetition visits every system, in alternating order, one right after the other. */
import type { Target } from '../load/connection.js';
import { findPeak, type Tool } from '../load/peak.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import type { NumberedRequests } from '../rules/numbered.js';
import type { Sample } from '../rules/peers.js';

/** A system, and what is asked of it. Both may change from run to run: a leader moves, keys count up. */
export interface Contender {
  readonly system: string;
  readonly prepare: () => Promise<{ readonly target: Target; readonly requests: NumberedRequests }>;
}

export interface ClosedOptions {
  readonly tool: Tool;
  readonly pairs: number;
  readonly warmupSeconds: number;
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
  const samples: Sample[] = [];
  for (const connections of connectionCounts) {
    for (const { repetition, condition } of interleave(contenders, options.pairs)) {
      const { system } = condition;
      progress.begin(`${what}, ${connections} connections, pair ${repetition + 1}: ${system}`);
      const { target, requests } = await condition.prepare();
      const { tool, warmupSeconds, seconds, folder } = options;
      const figures = await findPeak(tool, {
        ...{ target, connections, warmupSeconds, seconds, requests, folder },
      });
      samples.push({ ...{ what, system, connections, repetition }, ...figures });
      progress.end(warmupSeconds + seconds);
    }
  }
  return samples;
}
