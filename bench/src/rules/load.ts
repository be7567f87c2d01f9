/** Tables and page of the load test. */
import { describeFailures, type Failures, type Latency } from './outcomes.js';
import type { RequestKind } from './requests.js';
import { estimate } from './statistics.js';
import { describeRun, formatEstimate, formatNumber, toMarkdown, type PageHead, type Table } from './text.js';
import { closedLatencies } from './wrk.js';

/** A fixed number of requests at a constant rate. */
export interface Burst {
  readonly kind: RequestKind;
  /** From 0. */
  readonly repetition: number;
  readonly requests: number;
  /** Intended starts per second. */
  readonly perSecond: number;
  readonly latency: Latency;
  /** 99th percentile, in milliseconds, of how late the generator issued a request. */
  readonly latenessP99: number;
  readonly failures: Failures;
}

/** One number of connections: a closed loop at full speed, then an open loop at a lower rate. */
export interface RampStep {
  readonly kind: RequestKind;
  readonly connections: number;
  /** 200 answers per second in the closed loop. */
  readonly perSecond: number;
  /** Latencies of the closed loop; see `closedLatencies`. */
  readonly closed: Latency;
  /** Rate of the open loop. */
  readonly pacedPerSecond: number;
  /** Latencies of the open loop. */
  readonly paced: Latency;
  /** 99th percentile, in milliseconds, of how late the open loop issued a request. */
  readonly latenessP99: number;
  /** CPU per request of the closed loop, in microseconds, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
  readonly failures: Failures;
}

function burstTable(bursts: readonly Burst[]): Table {
  const kinds = [...new Set(bursts.map(({ kind }) => kind))];
  return {
    columns: [
      'request',
      'count',
      'per second',
      'mean',
      'p50',
      'p90',
      'p99',
      'max',
      'sent late (p99)',
      'failed',
    ],
    rows: kinds.map((kind) => {
      const group = bursts.filter((burst) => burst.kind === kind);
      const estimateOf = (figure: (burst: Burst) => number): string =>
        formatEstimate(estimate(group.map(figure)));
      return [
        kind,
        `${group.length} × ${group[0]?.requests ?? 0}`,
        group[0]?.perSecond ?? 0,
        ...(['mean', 'p50', 'p90', 'p99', 'max'] as const).map((figure) =>
          estimateOf(({ latency }) => latency[figure]),
        ),
        estimateOf(({ latenessP99 }) => latenessP99),
        describeFailures(group),
      ];
    }),
  };
}

export function rampTable(steps: readonly RampStep[]): Table {
  const best = Math.max(...steps.map(({ perSecond }) => perSecond));
  return {
    columns: [
      'connections',
      'requests/s',
      'closed p50',
      'closed p99',
      'paced requests/s',
      'paced mean',
      'paced p50',
      'paced p99',
      'sent late (p99)',
      'failed',
    ],
    rows: steps.map(({ connections, perSecond, closed, pacedPerSecond, paced, latenessP99, failures }) => [
      connections,
      perSecond === best ? `**${formatNumber(perSecond)}**` : formatNumber(perSecond),
      ...[closed.p50, closed.p99, pacedPerSecond, paced.mean, paced.p50, paced.p99, latenessP99].map(
        formatNumber,
      ),
      describeFailures([{ failures }]),
    ]),
  };
}

/** CPU per request by process, at the number of connections with the highest throughput. */
export function cpuTable(steps: readonly RampStep[]): Table {
  const peaks = [...new Set(steps.map(({ kind }) => kind))].flatMap((kind) => {
    const group = steps.filter((step) => step.kind === kind);
    const peak = group.find(
      ({ perSecond }) => perSecond === Math.max(...group.map((step) => step.perSecond)),
    );
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

export interface LoadPage extends PageHead {
  /** The load generator of the closed loop. */
  readonly tool: string;
  readonly burstConnections: number;
  readonly repetitions: number;
  readonly seconds: number;
  /** Rate of the open loop, as a share of the closed loop's throughput, and its maximum. */
  readonly pace: number;
  readonly pacedPerSecondMax: number;
  readonly plot: string;
}

export function loadPage(bursts: readonly Burst[], steps: readonly RampStep[], page: LoadPage): string {
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  const ramps = kinds.map(
    (kind) => `### ${kind}\n\n${toMarkdown(rampTable(steps.filter((step) => step.kind === kind)))}\n`,
  );
  return `# Load test

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. Latencies are in milliseconds.

${describeRun(page)}

## Requests at a constant rate

At most ${page.burstConnections} connections, ${page.repetitions} interleaved repetitions. Sending never waits for an answer, and latency includes the time in which a request
waits for a connection, so a stall is charged to every request that it delays (no coordinated omission). "Sent late" is the delay of the
load generator itself, up to 1 ms of which is the resolution of its timer. ± is half the width of the 95% confidence interval over the
repetitions.

${toMarkdown(burstTable(bursts))}

## Rising connections

Closed loop, by ${page.tool}: each connection sends its next request when the last is answered, for ${page.seconds} s. Its latencies are
${closedLatencies(page.tool)}. The number of connections doubles until two steps in a row raise throughput by at most 3%. Paced: an open loop in this process for
${page.seconds} s, over as many connections as it needs, at ${Math.round(page.pace * 100)}% of that throughput but at most ${formatNumber(page.pacedPerSecondMax)}/s, which is what it sends on time. All
look-ups are of cached stocks.

${page.plot}

${ramps.join('\n')}
## CPU per request

Microseconds of CPU, user and kernel mode, at the number of connections with the highest throughput. A process works on one thread,
so 1,000,000 divided by its value is its capacity in requests per second.

${toMarkdown(cpuTable(steps))}
`;
}
