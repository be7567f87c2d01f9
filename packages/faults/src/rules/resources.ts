/** Checks that memory and open file descriptors of all processes stay within bounds. */
import { checkResult, type CheckResult } from './check-result.js';

/** Resources of one process at one time. */
export interface ResourceSample {
  readonly process: string;
  readonly pid: number;
  readonly atMs: number;
  /** Resident memory. */
  readonly bytes: number;
  readonly descriptors: number;
}

interface ResourceBounds {
  readonly bytesMax: number;
  readonly descriptorsMax: number;
  /**
   * Maximum growth of the median from the first to the last third of a run, for runs of at least
   * `growthMsMin`.
   */
  readonly bytesGrowthMax: number;
  readonly descriptorsGrowthMax: number;
  readonly growthMsMin: number;
}

const MIB = 1024 * 1024;

/**
 * V8 lets the heap of an idle process grow for minutes before it collects garbage, so growth is checked only
 * in long runs.
 */
export const RESOURCE_BOUNDS: ResourceBounds = {
  bytesMax: 768 * MIB,
  descriptorsMax: 400,
  bytesGrowthMax: 128 * MIB,
  descriptorsGrowthMax: 24,
  growthMsMin: 120_000,
};

export function checkResources(samples: readonly ResourceSample[], bounds = RESOURCE_BOUNDS): CheckResult {
  const runs = new Map<string, ResourceSample[]>();
  for (const sample of samples) {
    const name = `${sample.process} (process ${sample.pid})`;
    const run = runs.get(name);
    if (run === undefined) runs.set(name, [sample]);
    else run.push(sample);
  }
  const problems: string[] = [];
  const peaks = new Map<string, { bytes: number; descriptors: number }>();
  for (const [name, run] of runs) {
    const bytes = Math.max(...run.map((sample) => sample.bytes));
    const descriptors = Math.max(...run.map((sample) => sample.descriptors));
    if (bytes > bounds.bytesMax)
      problems.push(`${name} used ${mib(bytes)} of memory; allowed: ${mib(bounds.bytesMax)}`);
    if (descriptors > bounds.descriptorsMax) {
      problems.push(`${name} had ${descriptors} open file descriptors; allowed: ${bounds.descriptorsMax}`);
    }
    problems.push(...growthOf(name, run, bounds));
    const process = run[0]?.process ?? '';
    const peak = peaks.get(process) ?? { bytes: 0, descriptors: 0 };
    peaks.set(process, {
      bytes: Math.max(peak.bytes, bytes),
      descriptors: Math.max(peak.descriptors, descriptors),
    });
  }
  const formatted = [...peaks]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([process, { bytes, descriptors }]) => `${process} ${mib(bytes)} and ${descriptors} descriptors`);
  return checkResult('bounded resources', `peaks: ${formatted.join(', ')}`, problems);
}

/** A table of the initial, final and peak resources of each process. */
export function resourceTable(samples: readonly ResourceSample[]): string {
  const processes = [...new Set(samples.map(({ process }) => process))];
  const rows = processes.map((name) => {
    const own = samples.filter(({ process }) => process === name);
    const last = own.at(-1);
    const run = own.filter(({ pid }) => pid === last?.pid);
    const first = run[0];
    const peak = Math.max(...run.map(({ bytes }) => bytes));
    const descriptorsPeak = Math.max(...run.map(({ descriptors }) => descriptors));
    return (
      `${name.padEnd(12)} ${mib(first?.bytes ?? 0)} before, ${mib(last?.bytes ?? 0)} after, ${mib(peak)} peak; ` +
      `descriptors ${first?.descriptors ?? 0} before, ${last?.descriptors ?? 0} after, ${descriptorsPeak} peak`
    );
  });
  return rows.join('\n');
}

function growthOf(name: string, run: readonly ResourceSample[], bounds: ResourceBounds): string[] {
  const third = Math.floor(run.length / 3);
  const span = (run.at(-1)?.atMs ?? 0) - (run[0]?.atMs ?? 0);
  if (third === 0 || span < bounds.growthMsMin) return [];
  const grown = (figure: (sample: ResourceSample) => number): number =>
    median(run.slice(-third).map(figure)) - median(run.slice(0, third).map(figure));
  const problems: string[] = [];
  const bytes = grown((sample) => sample.bytes);
  const descriptors = grown((sample) => sample.descriptors);
  if (bytes > bounds.bytesGrowthMax) problems.push(`the memory of ${name} grew by ${mib(bytes)}`);
  if (descriptors > bounds.descriptorsGrowthMax)
    problems.push(`the open file descriptors of ${name} grew by ${descriptors}`);
  return problems;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
