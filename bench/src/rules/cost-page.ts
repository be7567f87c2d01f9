/** The page of the cost of a request. */
import {
  COST_KINDS,
  COST_ROLES,
  frontendsNeeded,
  totalCpuUs,
  findBottlenecks,
  type Cost,
  type CostKind,
  type CostRun,
} from './cost.js';
import { describeRun, formatNumber, toMarkdown, type PageHead, type Table } from './text.js';

/** The machines whose capacity the page predicts. */
const MACHINES = 3;
const CORES_EACH = 8;

export interface CostPage extends PageHead {
  readonly cores: number;
  readonly connections: number;
  readonly seconds: number;
  readonly repetitions: number;
  /** The load generator. */
  readonly tool: string;
  /** Medians over the repetitions. */
  readonly runs: readonly CostRun[];
}

const shapeOf = ({ replicas, frontends }: CostRun): string => `${replicas} / ${frontends}`;

/** CPU per request by role, for each shape. */
export function cpuCostTable(runs: readonly CostRun[]): Table {
  return {
    columns: ['replicas / front-ends', 'requests/s', ...COST_ROLES, 'all processes', 'generator'],
    rows: runs.map((run) => [
      shapeOf(run),
      formatNumber(run.perSecond),
      ...COST_ROLES.map((role) => cell(run.costs[role], ({ cpuUs }) => cpuUs)),
      formatNumber(totalCpuUs(run)),
      formatNumber(run.generatorUs),
    ]),
  };
}

/** Syncs and disk bytes per order by role, for each shape. */
export function diskCostTable(runs: readonly CostRun[]): Table {
  const roles = ['leader', 'each follower'] as const;
  return {
    columns: [
      'replicas / front-ends',
      ...roles.map((role) => `syncs: ${role}`),
      ...roles.map((role) => `bytes: ${role}`),
    ],
    rows: runs.map((run) => [
      shapeOf(run),
      ...roles.map((role) => cell(run.costs[role], ({ syncs }) => syncs)),
      ...roles.map((role) => cell(run.costs[role], ({ diskBytes }) => diskBytes)),
    ]),
  };
}

function cell(cost: Cost | undefined, figure: (cost: Cost) => number | null): string | null {
  const value = cost === undefined ? null : figure(cost);
  return value === null ? null : formatNumber(value);
}

/** Compares the model with the runs that it was derived from. */
export function accuracyTable(runs: readonly CostRun[], cores: number): Table {
  return {
    columns: [
      'request',
      'replicas / front-ends',
      'predicted/s',
      'measured/s',
      'measured / predicted',
      'bottleneck',
    ],
    rows: runs.map((run) => {
      const site = { cores, frontends: run.frontends, otherUs: run.generatorUs };
      const [first] = findBottlenecks(run, site);
      const predicted = first?.perSecond ?? Number.NaN;
      return [
        run.kind,
        shapeOf(run),
        formatNumber(predicted),
        formatNumber(run.perSecond),
        formatNumber(run.perSecond / predicted),
        first?.what ?? null,
      ];
    }),
  };
}

/** The bottlenecks of a cluster on `MACHINES` machines, with the costs of `run`. */
function predictionTable(run: CostRun): { readonly frontends: number; readonly table: Table } {
  const cores = MACHINES * CORES_EACH;
  const frontends = frontendsNeeded(run, cores);
  const walls = findBottlenecks(run, { cores, frontends });
  return {
    frontends,
    table: {
      columns: ['bottleneck', 'requests/s'],
      rows: walls.map(({ what, perSecond }) => [what, formatNumber(perSecond)]),
    },
  };
}

/** The run whose costs the prediction uses: three replicas, and the most front-ends that were measured. */
function basisOf(runs: readonly CostRun[], kind: CostKind): CostRun | undefined {
  const candidates = runs.filter((run) => run.kind === kind && run.replicas === MACHINES);
  return candidates.reduce<CostRun | undefined>(
    (most, run) => (most === undefined || run.frontends > most.frontends ? run : most),
    undefined,
  );
}

function prediction(runs: readonly CostRun[], kind: CostKind): string {
  const basis = basisOf(runs, kind);
  if (basis === undefined) return `### ${kind}\n\nNot measured with ${MACHINES} replicas.`;
  const { frontends, table } = predictionTable(basis);
  const [first] = findBottlenecks(basis, { cores: MACHINES * CORES_EACH, frontends });
  return `### ${kind}

With ${frontends} front-ends spread over the machines, the first bottleneck is: **${first?.what ?? 'none'}**.

${toMarkdown(table)}`;
}

export function costPage(page: CostPage): string {
  const { runs } = page;
  const runsOf = (kind: CostKind): readonly CostRun[] => runs.filter((run) => run.kind === kind);
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  return `# Cost of a request

Each cluster shape was measured ${page.repetitions === 1 ? 'once' : `${page.repetitions} times`}, interleaved, for ${page.seconds} s with ${page.connections} connections to each front-end; the tables show medians.
The load generator (${page.tool}) shares the cores. CPU is user and kernel time of all threads of a process, divided by the number of requests
answered. It falls with the load, because requests that arrive together share a batch.

${describeRun(page)}
- Failed requests: ${failed}

## CPU per order (µs)

${toMarkdown(cpuCostTable(runsOf('order')))}

## Syncs and disk bytes per order

A sync makes a whole batch durable: with one connection an order costs about one sync per replica, with more connections less.
Bytes are those that the kernel wrote to disk, in whole pages, for the log, the order book and their compaction. Catalogs and
front-ends write nothing.

${toMarkdown(diskCostTable(runsOf('order')))}

## CPU per cached look-up (µs)

${toMarkdown(cpuCostTable(runsOf('cached look-up')))}

## Accuracy of the model

The model assumes that a process works on one thread: a role can use at most 1,000,000 µs of CPU per second and process, and all
processes together at most all cores. The lowest of these limits is the prediction. Here it is compared with the measured
throughput, with the load generator on the same cores:

${toMarkdown(accuracyTable(runs, page.cores))}

Throughput below the prediction means that cores were idle, because clients wait for two syncs and six hops per order, or that
other programs used them: see the load before the run.

## ${MACHINES} machines of ${CORES_EACH} cores

A replica on each machine, a catalog on two of them, and load from other machines. The prediction uses the costs above with
${MACHINES} replicas. On a real network, interrupts raise these costs, and dedicated cores lower them.

${COST_KINDS.map((kind) => prediction(runs, kind)).join('\n\n')}
`;
}
