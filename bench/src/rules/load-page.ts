/** The page of the load test. */
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
- Again: \`${page.command}\`

## A number of requests at an even rate

${page.burstConnections} connections, ${page.repetitions} repetitions in turns. Latencies count from when a request was meant to start, so a stall is charged for
every request that it delays (no coordinated omission); "sent late" is the load generator's own share of them. ± is the half width
of the 95% confidence interval over the repetitions.

${toMarkdown(burstTable(bursts))}

## Rising connections

Closed: each connection sends its next request when the last is answered, for ${page.seconds} s, until two steps in a row bring no more than 3%.
Its latencies are service times at that load. Paced: then for ${page.seconds} s at ${Math.round(page.pace * 100)}% of that throughput, at an even rate, latencies from the
intended start. Look-ups are of cached stocks.

${page.plot}

${ramps.join('\n')}
## CPU for each request

Microseconds of CPU, user and kernel, at the number of connections with the greatest throughput. A process has one thread
for its work: 1,000,000 divided by its figure is what it can take.

${toMarkdown(cpuTable(steps))}
`;
}
