/** What a run looked like over time, small enough for a page: latencies and errors in slices, and who led when. */
import type { Operation } from '../rules/history.js';
import type { StatusSample } from '../rules/observations.js';

/** The kinds of request that a reader tells apart. */
export const KINDS = ['look-ups', 'orders', 'order reads'] as const;
export type Kind = (typeof KINDS)[number];

/** Requests of one kind that were sent within one slice of the run. */
export interface Slice {
  readonly atMs: number;
  /** Milliseconds; null where none was answered. */
  readonly medianMs: number | null;
  readonly longestMs: number | null;
  readonly answered: number;
  /** Surely without effect. */
  readonly failed: number;
  readonly unknown: number;
}

/** A time in which a replica said the same of itself. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly role: string;
  readonly term: number;
}

export interface Picture {
  readonly lengthMs: number;
  readonly sliceMs: number;
  readonly slices: Readonly<Record<Kind, readonly Slice[]>>;
  /** By replica; what lies between two spans is silence. */
  readonly replicas: Readonly<Record<string, readonly Span[]>>;
}

/** Slices that a page shows side by side, at most. */
const SLICES_MAX = 240;
const SLICE_MS_MIN = 50;

/** A replica that says nothing for so many milliseconds is silent: it is asked every 100, and has 200 to answer. */
const SILENT_MS = 600;

function kindOf({ op }: Operation): Kind | null {
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

/** @param history whose clock, in nanoseconds, began with the samples', in milliseconds. */
export function pictureOf(history: readonly Operation[], samples: readonly StatusSample[]): Picture {
  const ends = history.map(({ call_ns, return_ns }) => (return_ns ?? call_ns) / 1e6);
  const lengthMs = ends.reduce((latest, end) => Math.max(latest, end), SLICE_MS_MIN);
  const sliceMs = Math.max(SLICE_MS_MIN, Math.ceil(lengthMs / SLICES_MAX));
  const byKind = new Map<Kind, Operation[][]>(KINDS.map((kind) => [kind, []]));
  for (const operation of history) {
    const kind = kindOf(operation);
    if (kind === null) continue;
    const slices = byKind.get(kind) ?? [];
    (slices[Math.floor(operation.call_ns / 1e6 / sliceMs)] ??= []).push(operation);
  }
  const slicesOf = (kind: Kind): Slice[] =>
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

function sliceOf(operations: readonly Operation[], atMs: number): Slice {
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

function spansOf(samples: readonly StatusSample[]): Record<string, Span[]> {
  const replicas: Record<string, Span[]> = {};
  const inOrder = samples.toSorted((a, b) => a.process.localeCompare(b.process) || a.atMs - b.atMs);
  for (const { process, atMs, role, term } of inOrder) {
    const spans = (replicas[process] ??= []);
    const last = spans.at(-1);
    const goesOn = last !== undefined && atMs - last.toMs <= SILENT_MS;
    if (goesOn) spans[spans.length - 1] = { ...last, toMs: atMs };
    if (!goesOn || last.role !== role || last.term !== term) {
      spans.push({ fromMs: atMs, toMs: atMs, role, term });
    }
  }
  return replicas;
}
