/** The page of the load test. */
import { burstTable, cpuTable, rampTable, type Burst, type RampStep } from './load.js';
import { describeRun, formatNumber, toMarkdown, type PageHead } from './text.js';

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

Closed loop, by ${page.tool}: each connection sends its next request when the last is answered, for ${page.seconds} s; its latencies are service times at
that load. The number of connections doubles until two steps in a row raise throughput by at most 3%. Paced: an open loop in this process for
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
