/** The page of `npm run load`. */
import { burstTable, cpuTable, rampTable, type Burst, type LoadPage, type RampStep } from './load.js';
import { toMarkdown } from './text.js';

export function loadPage(bursts: readonly Burst[], steps: readonly RampStep[], page: LoadPage): string {
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  const ramps = kinds.map(
    (kind) => `### ${kind}\n\n${toMarkdown(rampTable(steps.filter((step) => step.kind === kind)))}\n`,
  );
  return `# Load test

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. Latencies are in milliseconds.

- Machine: ${page.machine}
- Repeat with: \`${page.command}\`

## Requests at a constant rate

${page.burstConnections} connections, ${page.repetitions} interleaved repetitions. Latency counts from the intended start of a request, so a stall is charged to
every request that it delays (no coordinated omission); "sent late" is the load generator's own share. ± is half the width of the 95%
confidence interval over the repetitions.

${toMarkdown(burstTable(bursts))}

## Rising connections

Closed loop: each connection sends its next request when the last is answered, for ${page.seconds} s; its latencies are service times at that load.
The number of connections doubles until two steps in a row raise throughput by at most 3%. Paced: an open loop at ${Math.round(page.pace * 100)}% of that throughput
for ${page.seconds} s; its latencies count from the intended start. All look-ups are of cached stocks.

${page.plot}

${ramps.join('\n')}
## CPU per request

Microseconds of CPU, user and kernel mode, at the number of connections with the highest throughput. A process works on one thread,
so 1,000,000 divided by its value is its capacity in requests per second.

${toMarkdown(cpuTable(steps))}
`;
}
