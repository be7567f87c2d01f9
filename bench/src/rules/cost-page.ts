/** The page of the cost model. */
import {
  COST_KINDS,
  COST_ROLES,
  frontendsNeeded,
  totalCpuUs,
  wallsOf,
  type Cost,
  type CostKind,
  type CostRun,
} from './cost.js';
import { formatNumber, toMarkdown, type Table } from './text.js';

/** The site that the page predicts for. */
const MACHINES = 3;
const CORES_EACH = 8;

export interface CostPage {
  readonly machine: string;
  readonly command: string;
  readonly cores: number;
  readonly connections: number;
  readonly seconds: number;
  readonly repetitions: number;
  /** Medians over the repetitions. */
  readonly runs: readonly CostRun[];
}

const shapeOf = ({ replicas, frontends }: CostRun): string => `${replicas} / ${frontends}`;

/** CPU of one request by role, for each shape. */
export function cpuCostTable(runs: readonly CostRun[]): Table {
  return {
    columns: ['replicas / front-ends', 'requests/s', ...COST_ROLES, 'all processes', 'generator'],
    rows: runs.map((run) => [
      ...[shapeOf(run), formatNumber(run.perSecond)],
      ...COST_ROLES.map((role) => cell(run.costs[role], ({ cpuUs }) => cpuUs)),
      ...[formatNumber(totalCpuUs(run)), formatNumber(run.generatorUs)],
    ]),
  };
}

/** Syncs and bytes on disk of one order by role, for each shape. */
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

/** What the model says of the very runs that it was made from: how far to trust it. */
export function checkTable(runs: readonly CostRun[], cores: number): Table {
  return {
    columns: [
      'request',
      'replicas / front-ends',
      'predicted/s',
      'measured/s',
      'measured / predicted',
      'wall',
    ],
    rows: runs.map((run) => {
      const site = { cores, frontends: run.frontends, otherUs: run.generatorUs };
      const [first] = wallsOf(run, site);
      const predicted = first?.perSecond ?? Number.NaN;
      return [
        ...[run.kind, shapeOf(run), formatNumber(predicted), formatNumber(run.perSecond)],
        ...[formatNumber(run.perSecond / predicted), first?.what ?? null],
      ];
    }),
  };
}

/** The walls of a cluster on `MACHINES` machines, by the costs of `run`. */
function predictionTable(run: CostRun): { readonly frontends: number; readonly table: Table } {
  const cores = MACHINES * CORES_EACH;
  const frontends = frontendsNeeded(run, cores);
  const walls = wallsOf(run, { cores, frontends });
  return {
    frontends,
    table: {
      columns: ['wall', 'requests/s'],
      rows: walls.map(({ what, perSecond }) => [what, formatNumber(perSecond)]),
    },
  };
}

/** The run that the prediction goes by: three replicas, and as many front-ends as were measured. */
function basisOf(runs: readonly CostRun[], kind: CostKind): CostRun | undefined {
  const of = runs.filter((run) => run.kind === kind && run.replicas === MACHINES);
  return of.reduce<CostRun | undefined>(
    (most, run) => (most === undefined || run.frontends > most.frontends ? run : most),
    undefined,
  );
}

function prediction(runs: readonly CostRun[], kind: CostKind): string {
  const basis = basisOf(runs, kind);
  if (basis === undefined) return `### ${kind}\n\nNot measured with ${MACHINES} replicas.`;
  const { frontends, table } = predictionTable(basis);
  const [first] = wallsOf(basis, { cores: MACHINES * CORES_EACH, frontends });
  return `### ${kind}

With ${frontends} front-ends spread over the machines the first wall is **${first?.what ?? 'none'}**.

${toMarkdown(table)}`;
}

export function costPage(page: CostPage): string {
  const { runs } = page;
  const of = (kind: CostKind): readonly CostRun[] => runs.filter((run) => run.kind === kind);
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  return `# What a request costs

Each shape of cluster in turns, ${page.repetitions === 1 ? 'once' : `${page.repetitions} times`}, with ${page.connections} connections to each front-end for ${page.seconds} s; medians. The load generator
shares the cores. CPU is user and kernel time of all threads of a process, divided by the requests answered meanwhile: it
falls with the load, as whatever comes together travels together, and rises where neighbours share caches and cores.

- Machine: ${page.machine}
- Again: \`${page.command}\`
- Requests refused or not answered: ${failed}

## CPU of one order (µs)

${toMarkdown(cpuCostTable(of('order')))}

## Syncs and bytes on disk of one order

A sync makes a batch durable, however many orders are in it: at one connection an order costs each replica about one, and the
more come together the fewer. Bytes are those that the system wrote to the disk: log, book and their compaction, whole pages each
time. Catalogs and front-ends write nothing.

${toMarkdown(diskCostTable(of('order')))}

## CPU of one cached look-up (µs)

${toMarkdown(cpuCostTable(of('cached look-up')))}

## The model, checked

A process works on one thread, so a role takes at most 1,000,000 µs of CPU a second for each of its processes, and all of them
together what the cores have. The first of these walls is the prediction. Against what this machine took, its generator included:

${toMarkdown(checkTable(runs, page.cores))}

What is measured below the prediction is time in which the cores waited, as closed connections do for two syncs and six hops, or were
taken by others: see the load before the run.

## ${MACHINES} machines of ${CORES_EACH} cores

A replica on each machine, a catalog on two of them, load from elsewhere. By the costs above of ${MACHINES} replicas, which a network's
interrupts would raise and cores of their own lower:

${COST_KINDS.map((kind) => prediction(runs, kind)).join('\n\n')}
`;
}
