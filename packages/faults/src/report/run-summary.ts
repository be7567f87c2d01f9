/** Summary of a run over time for its chart: latencies and errors in slices, and the roles of replicas. */
import type { Operation } from '../rules/history.js';
import type { StatusSample } from '../rules/process-checks.js';

/** The kinds of requests with a panel of their own. */
export const OPERATION_KINDS = ['look-ups', 'orders', 'order reads'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Requests of one kind that were sent within one slice of the run. */
export interface TimeSlice {
  readonly atMs: number;
  /** In milliseconds; null if no request was answered. */
  readonly medianMs: number | null;
  readonly longestMs: number | null;
  readonly answered: number;
  /** Number of requests that certainly had no effect. */
  readonly failed: number;
  readonly unknown: number;
}

/** A time in which a replica reported the same role and term. */
export interface RoleSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly role: string;
  readonly term: number;
}

export interface RunSummary {
  readonly lengthMs: number;
  readonly sliceMs: number;
  readonly slices: Readonly<Record<OperationKind, readonly TimeSlice[]>>;
  /** By replica. Between two spans the replica did not answer. */
  readonly replicas: Readonly<Record<string, readonly RoleSpan[]>>;
}

/** Maximum number of slices of a chart. */
const SLICES_MAX = 240;
const SLICE_MS_MIN = 50;

/** A gap between samples that ends a span. Replicas are polled every 100 ms with a timeout of 200 ms. */
const SILENT_MS = 600;

function kindOf({ op }: Operation): OperationKind | null {
  switch (op) {
    case 'init':
      return null;
    case 'read':
      return 'look-ups';
    case 'get':
      return 'order reads';
    case 'trade':
    case 'create':
      return 'orders';
  }
}

/**
 * @param history with a clock in nanoseconds that starts together with the clock of `samples`, in
 * milliseconds
 */
export function summarizeRun(history: readonly Operation[], samples: readonly StatusSample[]): RunSummary {
  const ends = history.map(({ call_ns, return_ns }) => (return_ns ?? call_ns) / 1e6);
  const lengthMs = ends.reduce((latest, end) => Math.max(latest, end), SLICE_MS_MIN);
  const sliceMs = Math.max(SLICE_MS_MIN, Math.ceil(lengthMs / SLICES_MAX));
  const byKind = new Map<OperationKind, Operation[][]>(OPERATION_KINDS.map((kind) => [kind, []]));
  for (const operation of history) {
    const kind = kindOf(operation);
    if (kind === null) continue;
    const slices = byKind.get(kind) ?? [];
    (slices[Math.floor(operation.call_ns / 1e6 / sliceMs)] ??= []).push(operation);
  }
  const slicesOf = (kind: OperationKind): TimeSlice[] =>
    (byKind.get(kind) ?? []).flatMap((operations, i) => sliceOf(operations, i * sliceMs));
  return {
    lengthMs,
    sliceMs,
    slices: {
      'look-ups': slicesOf('look-ups'),
      orders: slicesOf('orders'),
      'order reads': slicesOf('order reads'),
    },
    replicas: spansOf(samples),
  };
}

function sliceOf(operations: readonly Operation[], atMs: number): TimeSlice {
  const isFailed = ({ output }: Operation): boolean =>
    output !== null && 'status' in output && output.status === 'failed';
  const took = operations
    .filter((operation) => operation.return_ns !== null && !isFailed(operation))
    .map(({ call_ns, return_ns }) => ((return_ns ?? call_ns) - call_ns) / 1e6)
    .sort((a, b) => a - b);
  return {
    atMs,
    medianMs: took[Math.floor(took.length / 2)] ?? null,
    longestMs: took.at(-1) ?? null,
    answered: took.length,
    failed: operations.filter(isFailed).length,
    unknown: operations.filter(({ output }) => output === null).length,
  };
}

function spansOf(samples: readonly StatusSample[]): Record<string, RoleSpan[]> {
  const replicas: Record<string, RoleSpan[]> = {};
  const inOrder = samples.toSorted((a, b) => a.process.localeCompare(b.process) || a.atMs - b.atMs);
  for (const { process, atMs, role, term } of inOrder) {
    const spans = (replicas[process] ??= []);
    const last = spans.at(-1);
    const continues = last !== undefined && atMs - last.toMs <= SILENT_MS;
    if (continues) spans[spans.length - 1] = { ...last, toMs: atMs };
    if (!continues || last.role !== role || last.term !== term) {
      spans.push({ fromMs: atMs, toMs: atMs, role, term });
    }
  }
  return replicas;
}
