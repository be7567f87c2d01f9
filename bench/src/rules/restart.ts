/** What a large book costs: tables and page of `npm run bench:restart`. Pure. */
import { soakTable, type SoakWindow } from './soak.js';
import { formatNumber, toMarkdown, type Table } from './text.js';

/** One start of a replica on data that were there. */
export interface Restart {
  readonly replica: string;
  /** How it had ended. */
  readonly after: 'SIGTERM' | 'SIGKILL';
  /** From the start of the process until it is ready: it has opened and checked its data, and knows a leader. */
  readonly readyMs: number;
  readonly readyMiB: number | null;
  /** At the most, until it has read every record of its book. */
  readonly peakMiB: number | null;
  /** When it has read them, without what it has mapped of its files. */
  readonly ownMiB: number | null;
}

/** Bytes on disk of one process. */
export interface Stored {
  readonly name: string;
  /** Of each store in its folder, or of the folder. */
  readonly bytes: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;

export function restartTable(restarts: readonly Restart[]): Table {
  const rounded = (mib: number | null): number | null => (mib === null ? null : Math.round(mib));
  return {
    columns: [
      'replica',
      'after',
      'ready (ms)',
      'RSS when ready (MiB)',
      'RSS at most (MiB)',
      'of it its own (MiB)',
    ],
    rows: restarts.map(({ replica, after, readyMs, readyMiB, peakMiB, ownMiB }) => [
      ...[replica, after, Math.round(readyMs), rounded(readyMiB), rounded(peakMiB), rounded(ownMiB)],
    ]),
  };
}

export function storedTable(stored: readonly Stored[], orders: number): Table {
  return {
    columns: ['process', 'store', 'MiB', 'bytes an order'],
    rows: stored.flatMap(({ name, bytes }) =>
      Object.entries(bytes).map(([store, size]) => [
        ...[name, store, (size / MIB).toFixed(1), formatNumber(size / Math.max(orders, 1))],
      ]),
    ),
  };
}

export interface RestartPage {
  readonly machine: string;
  readonly command: string;
  readonly orders: number;
  readonly windows: readonly SoakWindow[];
  readonly stored: readonly Stored[];
  readonly restarts: readonly Restart[];
}

export function restartPage({ machine, command, orders, windows, stored, restarts }: RestartPage): string {
  return `# Restart with ${orders.toLocaleString('en')} orders

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. The orders come through the
front-end, by 256 connections.

- Machine: ${machine}
- Again: \`${command}\`

## Starts

A start opens log and book and checks every byte of them before the replica votes or serves; every record of the book is
then read beside the work, which is when memory is at its peak. What is not the process's own are pages of tables that
LevelDB has mapped, 2 MiB each and 1000 at the most: the system takes them back when it needs the room.

${toMarkdown(restartTable(restarts))}

## On disk

The log is compacted: it does not grow with the book. The book keeps every order for good, and each key with its batch for
25 hours.

${toMarkdown(storedTable(stored, orders))}

## While the book grew

${toMarkdown(soakTable(windows))}
`;
}
