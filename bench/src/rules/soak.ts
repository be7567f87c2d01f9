/** Tables and page of a long run of orders: throughput and memory. */
import { median } from './statistics.js';
import { describeRun, formatNumber, toMarkdown, type PageHead, type Table } from './text.js';

/** A few seconds of a long run. */
export interface SoakWindow {
  /** Orders filled by the end of the window. */
  readonly orders: number;
  readonly perSecond: number;
  /** Resident memory at the end of the window, by process. */
  readonly memoryMiB: Readonly<Record<string, number>>;
}

/** A thousand consecutive orders. */
export interface ThousandOrders {
  /** Orders filled by the end of the thousand. */
  readonly orders: number;
  readonly perSecond: number;
}

/** Measurements of a long run. */
export interface SoakResult {
  readonly windows: readonly SoakWindow[];
  readonly thousands: readonly ThousandOrders[];
  /** Resident memory before the first order, by process. */
  readonly memoryBeforeMiB: Readonly<Record<string, number>>;
}

/** Share of the thousands that form the first and the last group; a single thousand is too short to compare. */
const END_SHARE = 0.05;

export function soakTable(windows: readonly SoakWindow[]): Table {
  const processes = Object.keys(windows.at(-1)?.memoryMiB ?? {});
  return {
    columns: ['orders', 'orders/s', ...processes.map((name) => `${name} (MiB)`)],
    rows: windows.map(({ orders, perSecond, memoryMiB }) => [
      orders,
      formatNumber(perSecond),
      ...processes.map((name) => roundedOf(memoryMiB, name)),
    ]),
  };
}

/** Memory before the first order and after the last one, by process. */
export function soakMemoryTable({ windows, memoryBeforeMiB }: SoakResult): Table {
  const last = windows.at(-1);
  return {
    columns: ['process', 'before (MiB)', `after ${(last?.orders ?? 0).toLocaleString('en')} orders (MiB)`],
    rows: Object.keys(last?.memoryMiB ?? {}).map((name) => [
      name,
      roundedOf(memoryBeforeMiB, name),
      roundedOf(last?.memoryMiB ?? {}, name),
    ]),
  };
}

function roundedOf(memoryMiB: Readonly<Record<string, number>>, name: string): number | null {
  const mib = memoryMiB[name];
  return mib === undefined ? null : Math.round(mib);
}

/**
 * Compares the end of a run with its start: the first and last thousand, and the medians of the first and
 * last groups.
 */
export function soakRatios(thousands: readonly ThousandOrders[]): Table {
  const count = Math.max(1, Math.round(thousands.length * END_SHARE));
  const rates = thousands.map(({ perSecond }) => perSecond);
  const row = (what: string, first: number, last: number): (string | number)[] => [
    what,
    formatNumber(first),
    formatNumber(last),
    formatNumber(last / first),
  ];
  const [first] = rates;
  const last = rates.at(-1);
  return {
    columns: ['orders/s', 'first', 'last', 'last / first'],
    rows:
      first === undefined || last === undefined
        ? []
        : [
            row('one thousand orders', first, last),
            row(`median of ${count} thousands`, median(rates.slice(0, count)), median(rates.slice(-count))),
          ],
  };
}

export interface SoakPage extends SoakResult, PageHead {
  readonly connections: number;
  readonly plot: string;
}

export function soakPage(page: SoakPage): string {
  const orders = page.windows.at(-1)?.orders ?? 0;
  return `# ${orders.toLocaleString('en')} orders without a pause

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. The orders were placed over
${page.connections} connections to the front-end, each of which sends its next order when the last is answered.

${describeRun(page)}

## Throughput

The first orders are slower, because V8 has not compiled the code yet.

${toMarkdown(soakRatios(page.thousands))}

${page.plot}

## Memory

Resident memory of each process. It includes mapped LevelDB tables, which the kernel reclaims under memory pressure.

${toMarkdown(soakMemoryTable(page))}

## Throughput and memory over time

${toMarkdown(soakTable(page.windows))}
`;
}
