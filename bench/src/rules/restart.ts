/** Tables and page of the restarts: the cost of a large order book. */
import { soakTable, type SoakWindow } from './soak.js';
import { describeRun, formatNumber, toMarkdown, type PageHead, type Table } from './text.js';

/** One restart of a replica on its existing data. */
export interface RestartMeasurement {
  readonly replica: string;
  /** Signal that ended the process before. */
  readonly after: 'SIGTERM' | 'SIGKILL';
  /**
   * Time from the start of the process until it is ready: it has opened and checked its data, and knows the
   * leader.
   */
  readonly readyMs: number;
  readonly readyMiB: number | null;
  /** Peak resident memory until it has checked every record of its book. */
  readonly peakMiB: number | null;
  /** Anonymous memory after that check, that is, without mapped files. */
  readonly ownMiB: number | null;
}

/** Bytes on disk of one process. */
export interface DiskUsage {
  readonly name: string;
  /** By store; `all` for a data folder without separate stores. */
  readonly bytes: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;

export function restartTable(restarts: readonly RestartMeasurement[]): Table {
  const rounded = (mib: number | null): number | null => (mib === null ? null : Math.round(mib));
  return {
    columns: ['replica', 'after', 'ready (ms)', 'RSS when ready (MiB)', 'peak RSS (MiB)', 'anonymous (MiB)'],
    rows: restarts.map(({ replica, after, readyMs, readyMiB, peakMiB, ownMiB }) => [
      replica,
      after,
      Math.round(readyMs),
      rounded(readyMiB),
      rounded(peakMiB),
      rounded(ownMiB),
    ]),
  };
}

export function storedTable(stored: readonly DiskUsage[], orders: number): Table {
  return {
    columns: ['process', 'store', 'MiB', 'bytes per order'],
    rows: stored.flatMap(({ name, bytes }) =>
      Object.entries(bytes).map(([store, size]) => [
        name,
        store,
        (size / MIB).toFixed(1),
        formatNumber(size / Math.max(orders, 1)),
      ]),
    ),
  };
}

export interface RestartPage extends PageHead {
  readonly orders: number;
  readonly windows: readonly SoakWindow[];
  readonly stored: readonly DiskUsage[];
  readonly restarts: readonly RestartMeasurement[];
}

export function restartPage({ orders, windows, stored, restarts, ...head }: RestartPage): string {
  return `# Restart with ${orders.toLocaleString('en')} orders

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. The orders were placed over
256 connections to the front-end.

${describeRun(head)}

## Restarts

A replica opens its log and order book and verifies the checksums of all files before it votes or serves. Then it reads every record
of the book in the background, which is when its memory peaks. RSS beyond the anonymous part is mapped LevelDB tables, at most 1000
of 2 MiB each, which the kernel reclaims under memory pressure.

${toMarkdown(restartTable(restarts))}

## Disk usage

The log is compacted and does not grow with the book. The book keeps every order forever, and idempotency keys for 25 hours.

${toMarkdown(storedTable(stored, orders))}

## Throughput and memory while the orders were placed

${toMarkdown(soakTable(windows))}
`;
}
