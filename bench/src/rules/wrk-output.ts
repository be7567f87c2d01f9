/** Parser for the output of wrk with the script of `luaScript`. */
import { LUA_MARK } from './numbered-requests.js';

/** Results of a closed loop, with either load generator. */
export interface PeakFigures {
  /** 200 answers per second. */
  readonly perSecond: number;
  /** Milliseconds from sending a request to its answer. */
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  /** Number of failed requests. */
  readonly failed: number;
}

/** @throws Error if the output has no results, or one is missing. */
export function parseWrkOutput(output: string): PeakFigures {
  const line = output.split('\n').find((text) => text.startsWith(LUA_MARK));
  if (line === undefined) throw new Error(`wrk printed no results: ${output.slice(0, 500)}`);
  const results = JSON.parse(line.slice(LUA_MARK.length)) as Record<string, unknown>;
  const figure = (name: string): number => {
    const value = results[name];
    if (typeof value !== 'number') throw new Error(`wrk printed results without "${name}"`);
    return value;
  };
  return {
    perSecond: (figure('requests') - figure('bad')) / (figure('us') / 1e6),
    mean: figure('mean'),
    p50: figure('p50'),
    p99: figure('p99'),
    failed: figure('bad') + figure('broken'),
  };
}
