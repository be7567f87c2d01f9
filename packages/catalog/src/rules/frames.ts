/** Checks of the frames that come in. What does not pass closes the link that it came on. */
import {
  asBytes,
  asInteger,
  asItems,
  asList,
  asObject,
  asText,
  decodeBatch,
  FormatError,
  FRAME_ITEMS_MAX,
  invalidReason,
  isRequestId,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  PRICE_CENTS_MAX,
  STOCK_NAME,
  type CheckedItems,
  type FrontendToCatalog,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';
import type { BeginWork, EntryWork } from './queue.js';
import type { SnapshotPart } from './snapshot.js';

const LIFE = /^[0-9a-f]{16}$/;
const HASH = /^[0-9a-f]{64}$/;

/** What a leader asks: work that is done in order, a part of such work, or the word on how far clients were told. */
export type LeaderRequest =
  | BeginWork
  | EntryWork
  | ({ readonly kind: 'snapshot' } & SnapshotPart)
  | { readonly kind: 'attach'; readonly upTo: number };

/** `FrontendToCatalog`, and what of it is refused by itself. */
export type FrontendFrame =
  | Exclude<FrontendToCatalog, { readonly t: 'lookup' }>
  | ({ readonly t: 'lookup' } & CheckedItems<readonly [id: number, name: string]>)
  | { readonly t: 'invalidList'; readonly id: number; readonly reason: string };

/** @throws FormatError if it is not a frame of a front-end, which closes its link. */
export function parseFrontendFrame(message: unknown): FrontendFrame {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'renew':
      return { t: 'renew', id: asInteger(frame['id'], 'id') };
    case 'lookup':
      return { t: 'lookup', ...asItems(frame['items'], parseLookup, FRAME_ITEMS_MAX) };
    case 'list':
      return parseList(frame);
    case 'dropped':
      return { t: 'dropped', seq: asInteger(frame['seq'], 'seq', 1) };
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

/** @throws FormatError if it is not a frame of a leader, or its batch is not a batch. */
export function parseLeaderFrame(message: unknown): LeaderRequest {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'begin':
      return { kind: 'begin', bytes: 0 };
    case 'attach':
      return { kind: 'attach', upTo: asInteger(frame['upTo'], 'upTo') };
    case 'snapshot':
      return { kind: 'snapshot', ...parseSnapshotPart(frame) };
    case 'entry': {
      const prev = asInteger(frame['prev'], 'prev');
      const batch = asBytes(frame['batch'], 'batch');
      const { commands, seed } = decodeBatch(batch);
      if (seed !== null) throw new FormatError('a seed comes as a snapshot');
      return {
        kind: 'entry',
        index: asInteger(frame['index'], 'index', prev + 1),
        prev,
        skip: parseSkip(frame['skip'], commands.length),
        hash: parseHash(frame['hash']),
        batch,
        commands,
        traces: parseTraces(frame['traces'], commands.length),
        bytes: batch.byteLength,
      };
    }
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseLookup(id: number, [, name]: readonly unknown[]): readonly [number, string] {
  return [id, asText(name, 'stock name', ORDER_NAME_LENGTH_MAX)];
}

function parseList(frame: Readonly<Record<string, unknown>>): FrontendFrame {
  const id = asInteger(frame['id'], 'id');
  try {
    const limit = asInteger(frame['limit'], 'limit', 1);
    if (limit > PAGE_ROWS_MAX) throw new FormatError(`limit is above ${PAGE_ROWS_MAX}`);
    return { t: 'list', id, after: asText(frame['after'], 'after', ORDER_NAME_LENGTH_MAX), limit };
  } catch (error) {
    return { t: 'invalidList', id, reason: invalidReason(error) };
  }
}

function parseSnapshotPart(frame: Readonly<Record<string, unknown>>): SnapshotPart {
  const index = asInteger(frame['index'], 'index');
  const life = frame['life'];
  if (typeof life !== 'string' || !LIFE.test(life)) throw new FormatError('life is not 16 hex digits');
  const parts = asInteger(frame['parts'], 'parts', 1);
  const part = asInteger(frame['part'], 'part');
  if (part >= parts) throw new FormatError(`part ${part} of ${parts} of a snapshot`);
  const stocks = asList(frame['stocks'], 'stocks').map((stock) => parseStock(stock, index));
  return { index, life, hash: parseHash(frame['hash']), part, parts, stocks };
}

function parseStock(value: unknown, index: number): Stock {
  const [name, price, quantity, version] = asList(value, 'stock');
  if (typeof name !== 'string' || !STOCK_NAME.test(name))
    throw new FormatError('a stock of the snapshot has no valid name');
  const stock = {
    name,
    price: asInteger(price, 'price', 1),
    quantity: asInteger(quantity, 'quantity'),
    version: asInteger(version, 'version'),
  };
  if (stock.price > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  if (stock.version > index) throw new FormatError('a stock has changed after the index of its snapshot');
  return stock;
}

function parseHash(value: unknown): string {
  if (typeof value === 'string' && HASH.test(value)) return value;
  throw new FormatError('hash is not 64 hex digits');
}

function parseTraces(value: unknown, size: number): readonly RequestTrace[] {
  if (value === undefined) return [];
  const traces = asList(value, 'traces');
  if (traces.length > size) throw new FormatError('more traces than commands');
  return traces.map((trace) => {
    const [position, requestId] = asList(trace, 'trace');
    if (!isRequestId(requestId)) throw new FormatError('request id is not valid');
    return [asInteger(position, 'position'), requestId];
  });
}

function parseSkip(value: unknown, size: number): ReadonlySet<number> {
  const positions = asList(value, 'skip').map((position) => asInteger(position, 'skipped position'));
  if (positions.some((position) => position >= size))
    throw new FormatError('a skipped position is not in the batch');
  return new Set(positions);
}
