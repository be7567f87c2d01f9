/** What the load test found, as tables. */
import type { Latency } from './histogram.js';
import { estimate } from './statistics.js';
import { failuresOf } from './sweep.js';
import { formatEstimate, formatNumber, type Table } from './text.js';
import type { RequestKind } from './trip.js';

/** A number of requests at an even rate. Latencies from the intended start. */
export interface Burst {
  readonly kind: RequestKind;
  /** From 0. */
  readonly repetition: number;
  readonly requests: number;
  /** Intended starts a second. */
  readonly perSecond: number;
  readonly latency: Latency;
  /** Milliseconds by which 99 of 100 requests were sent late at most, for which a connection was free. */
  readonly latenessP99: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** One number of connections: as much as goes, and then at an even rate below that. */
export interface RampStep {
  readonly kind: RequestKind;
  readonly connections: number;
  /** 200 answers a second in the closed loop. */
  readonly perSecond: number;
  /** Service times in the closed loop. */
  readonly closed: Latency;
  /** Rate of the open loop. */
  readonly pacedPerSecond: number;
  /** Latencies of the open loop, from the intended start. */
  readonly paced: Latency;
  /** Milliseconds by which 99 of 100 of its requests were sent late at most, for which a connection was free. */
  readonly latenessP99: number;
  /** Microseconds of CPU for each request of the closed loop, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

export function burstTable(bursts: readonly Burst[]): Table {
  const kinds = [...new Set(bursts.map(({ kind }) => kind))];
  return {
    columns: [
      'request',
      'count',
      'a second',
      'mean',
      'p50',
      'p90',
      'p99',
      'greatest',
      'sent late (p99)',
      'failed',
    ],
    rows: kinds.map((kind) => {
      const of = bursts.filter((burst) => burst.kind === kind);
      const over = (figure: (burst: Burst) => number): string => formatEstimate(estimate(of.map(figure)));
      return [
        ...[kind, `${of.length} × ${of[0]?.requests ?? 0}`, of[0]?.perSecond ?? 0],
        ...(['mean', 'p50', 'p90', 'p99', 'max'] as const).map((figure) =>
          over(({ latency }) => latency[figure]),
        ),
        ...[over(({ latenessP99 }) => latenessP99), failuresOf(of).join(', ') || 'none'],
      ];
    }),
  };
}

export function rampTable(steps: readonly RampStep[]): Table {
  const best = Math.max(...steps.map(({ perSecond }) => perSecond));
  return {
    columns: [
      ...['connections', 'requests/s', 'closed p50', 'closed p99', 'paced requests/s'],
      ...['paced mean', 'paced p50', 'paced p99', 'sent late (p99)', 'failed'],
    ],
    rows: steps.map(({ connections, perSecond, closed, pacedPerSecond, paced, latenessP99, failures }) => [
      ...[connections, perSecond === best ? `**${formatNumber(perSecond)}**` : formatNumber(perSecond)],
      ...[closed.p50, closed.p99, pacedPerSecond, paced.mean, paced.p50, paced.p99, latenessP99].map(
        formatNumber,
      ),
      failuresOf([{ failures }]).join(', ') || 'none',
    ]),
  };
}

/** CPU for each request by process, at the number of connections with the greatest throughput. */
export function cpuTable(steps: readonly RampStep[]): Table {
  const peaks = [...new Set(steps.map(({ kind }) => kind))].flatMap((kind) => {
    const of = steps.filter((step) => step.kind === kind);
    const peak = of.find(({ perSecond }) => perSecond === Math.max(...of.map((step) => step.perSecond)));
    return peak === undefined ? [] : [peak];
  });
  const processes = [...new Set(peaks.flatMap(({ cpuUs }) => Object.keys(cpuUs)))];
  return {
    columns: ['process', ...peaks.map(({ kind, connections }) => `${kind}, ${connections} connections`)],
    rows: processes.map((name) => [
      name,
      ...peaks.map(({ cpuUs }) => {
        const us = cpuUs[name];
        return us === undefined ? null : formatNumber(us);
      }),
    ]),
  };
}

export interface LoadPage {
  readonly machine: string;
  readonly command: string;
  readonly burstConnections: number;
  readonly repetitions: number;
  readonly seconds: number;
  /** Share of the closed loop's throughput that the paced load comes at. */
  readonly pace: number;
  readonly plot: string;
}
