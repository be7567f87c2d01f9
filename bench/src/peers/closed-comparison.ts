/**
 * Closed-loop comparisons: each repetition measures every system, one right after the other, in alternating
 * order.
 */
import { measurePeak, type Tool } from '../generator/peak.js';
import type { ProgressBar } from '../output/progress-bar.js';
import { interleave } from '../rules/interleave.js';
import { countFailed } from '../rules/outcomes.js';
import type { PeerSample } from '../rules/peers.js';
import type { RequestSeries } from '../rules/requests.js';

/** A system and its requests. Both may change between runs: the leader moves, keys count up. */
export interface ComparedSystem {
  readonly system: string;
  readonly prepare: () => Promise<{ readonly url: string; readonly requests: RequestSeries }>;
}

/** A system that gets the same requests at the same place in every run. */
export function fixedSystem(system: string, url: string, requests: RequestSeries): ComparedSystem {
  return { system, prepare: async () => Promise.resolve({ url, requests }) };
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
  systems: readonly ComparedSystem[],
  connectionCounts: readonly number[],
  { tool, pairs, startSeconds, warmupSeconds, seconds, folder }: ClosedOptions,
  progress: ProgressBar,
): Promise<readonly PeerSample[]> {
  const samples: PeerSample[] = [];
  for (const connections of connectionCounts) {
    for (const { system, prepare } of systems) {
      progress.begin(`${what}, ${connections} connections: ${system} warms up`);
      const length = { warmupSeconds: 0, seconds: startSeconds };
      await measurePeak(tool, { ...(await prepare()), connections, ...length, folder });
      progress.end(startSeconds);
    }
    for (const { repetition, condition } of interleave(systems, pairs)) {
      const { system, prepare } = condition;
      progress.begin(`${what}, ${connections} connections, pair ${repetition + 1}: ${system}`);
      const length = { warmupSeconds, seconds };
      const { perSecond, latency, failures } = await measurePeak(tool, {
        ...(await prepare()),
        connections,
        ...length,
        folder,
      });
      const { mean, p50, p99 } = latency;
      const failed = countFailed(failures);
      samples.push({ what, system, connections, repetition, perSecond, mean, p50, p99, failed });
      progress.end(warmupSeconds + seconds);
    }
  }
  return samples;
}
