/** A long run of orders: whether throughput lasts and memory stays. Tables and page of `npm run soak`. Pure. */
import { median } from './statistics.js';
import { formatNumber, toMarkdown, type Table } from './text.js';

/** A stretch of a long run. */
export interface SoakWindow {
  /** Orders that were filled by its end. */
  readonly orders: number;
  readonly perSecond: number;
  /** Resident memory at its end, by process. */
  readonly memoryMiB: Readonly<Record<string, number>>;
}

/** A thousand orders, one right after the other. */
export interface Thousand {
  /** Orders that were filled by its end. */
  readonly orders: number;
  readonly perSecond: number;
}

/** What a long run found. */
export interface Soak {
  readonly windows: readonly SoakWindow[];
  readonly thousands: readonly Thousand[];
  /** Before the first order. */
  readonly memoryBeforeMiB: Readonly<Record<string, number>>;
}

/** Share of the thousands that are taken together at either end, as a single one lasts a tenth of a second. */
const END_SHARE = 0.05;

export function soakTable(windows: readonly SoakWindow[]): Table {
  const processes = Object.keys(windows.at(-1)?.memoryMiB ?? {});
  return {
    columns: ['orders', 'orders/s', ...processes.map((name) => `${name} (MiB)`)],
    rows: windows.map(({ orders, perSecond, memoryMiB }) => [
      ...[orders, formatNumber(perSecond)],
      ...processes.map((name) => roundedOf(memoryMiB, name)),
    ]),
  };
}

/** Memory before the first order and behind the last, by process. */
export function soakMemoryTable({ windows, memoryBeforeMiB }: Soak): Table {
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

/** The end of a run against its beginning: the very first and last thousand, and the medians of those around them. */
export function soakRatios(thousands: readonly Thousand[]): Table {
  const count = Math.max(1, Math.round(thousands.length * END_SHARE));
  const rates = thousands.map(({ perSecond }) => perSecond);
  const row = (what: string, first: number, last: number): (string | number)[] => [
    ...[what, formatNumber(first), formatNumber(last), formatNumber(last / first)],
  ];
  const [first] = rates;
  const last = rates.at(-1);
  return {
    columns: ['orders/s', 'first', 'last', 'last / first'],
    rows:
      first === undefined || last === undefined
        ? []
        : [
            row('one thousand', first, last),
            row(`median of ${count} thousands`, median(rates.slice(0, count)), median(rates.slice(-count))),
          ],
  };
}

export interface SoakPage extends Soak {
  readonly machine: string;
  readonly command: string;
  readonly connections: number;
  readonly plot: string;
}

export function soakPage(page: SoakPage): string {
  const orders = page.windows.at(-1)?.orders ?? 0;
  return `# ${orders.toLocaleString('en')} orders on end

One cluster (two catalogs, three replicas, one front-end) and the load generator share this machine. The orders come through the
front-end by ${page.connections} connections, each of which sends its next one when the last is answered.

- Machine: ${page.machine}
- Again: \`${page.command}\`

## Throughput

The first thousands meet code that is not compiled yet.

${toMarkdown(soakRatios(page.thousands))}

${page.plot}

## Memory

Resident, of each process. It levels off where caches and tables reach their bounds; pages of LevelDB's tables that are mapped
count as well, which the system takes back when it needs the room.

${toMarkdown(soakMemoryTable(page))}

## On the way

${toMarkdown(soakTable(page.windows))}
`;
}
