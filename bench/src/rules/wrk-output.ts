/** Reads what our script makes wrk print. */
import { LUA_MARK } from './numbered.js';

/** What a closed loop found, with either generator. */
export interface PeakFigures {
  /** Answers that are no error, a second. */
  readonly perSecond: number;
  /** Milliseconds from sending a request to its answer. */
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  /** Requests that were refused or not answered. */
  readonly failed: number;
}

/** @throws Error if the figures are not there. */
export function parseWrkOutput(output: string): PeakFigures {
  const line = output.split('\n').find((text) => text.startsWith(LUA_MARK));
  if (line === undefined) throw new Error(`wrk told no figures: ${output.slice(0, 500)}`);
  const told = JSON.parse(line.slice(LUA_MARK.length)) as Record<string, unknown>;
  const figure = (name: string): number => {
    const value = told[name];
    if (typeof value !== 'number') throw new Error(`wrk told no ${name}`);
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
