/** Parses the frames of replicas. An invalid frame closes its link. */
import {
  expectBytes,
  expectInteger,
  expectList,
  parseMembersFrame,
  expectObject,
  expectText,
  decodeBatch,
  FormatError,
  isRequestId,
  PRICE_CENTS_MAX,
  STOCK_NAME,
  type MembershipFrame,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';
import type { ReceivedBatch, ReceivedEntry, SkippedPositions } from './followed-log.js';
import type { StockSnapshotPart } from './snapshot.js';

const LIFE = /^[0-9a-f]{16}$/;
const HASH = /^[0-9a-f]{64}$/;

/** `ReplicaToCatalog`, decoded. */
export type ReplicaFrame =
  | MembershipFrame
  | { readonly t: 'lead'; readonly term: number }
  | { readonly t: 'refused' | 'reset'; readonly reason: string }
  | ({ readonly t: 'snapshot' } & StockSnapshotPart)
  | ({ readonly t: 'entry' } & ReceivedEntry)
  | { readonly t: 'visible'; readonly index: number; readonly skips: SkippedPositions; readonly hash: string }
  | { readonly t: 'authority'; readonly id: number; readonly logged: number };

type Frame = Readonly<Record<string, unknown>>;

/** @throws FormatError if the message is not a valid frame, or its batch is not meant for catalogs. */
export function parseReplicaFrame(message: unknown): ReplicaFrame {
  const frame = expectObject(message, 'frame');
  switch (frame['t']) {
    case 'members':
      return parseMembersFrame(frame);
    case 'lead':
      return { t: 'lead', term: expectInteger(frame['term'], 'term', 1) };
    case 'refused':
      return { t: 'refused', reason: expectText(frame['reason'], 'reason') };
    case 'reset':
      return { t: 'reset', reason: expectText(frame['reason'], 'reason') };
    case 'snapshot':
      return { t: 'snapshot', ...parseSnapshotPart(frame) };
    case 'entry': {
      const index = expectInteger(frame['index'], 'index', 1);
      return { t: 'entry', index, batch: frame['batch'] === null ? null : parseBatch(frame) };
    }
    case 'visible':
      return {
        t: 'visible',
        index: expectInteger(frame['index'], 'index'),
        skips: parseSkips(frame['skips']),
        hash: parseHash(frame['hash']),
      };
    case 'authority':
      return {
        t: 'authority',
        id: expectInteger(frame['id'], 'id'),
        logged: expectInteger(frame['logged'], 'logged'),
      };
    default:
      throw new FormatError('unknown frame type');
  }
}

function parseBatch(frame: Frame): ReceivedBatch {
  const bytes = expectBytes(frame['batch'], 'batch');
  const { commands, seed, life } = decodeBatch(bytes);
  if (seed !== null) throw new FormatError('entry contains a seed, which must be sent as a snapshot');
  if (life !== undefined) throw new FormatError('entry contains a new life, which must be sent as a reset');
  return { bytes, commands, traces: parseTraces(frame['traces'], commands.length) };
}

function parseSnapshotPart(frame: Frame): StockSnapshotPart {
  const index = expectInteger(frame['index'], 'index', 1);
  const life = frame['life'];
  if (typeof life !== 'string' || !LIFE.test(life)) throw new FormatError('life is not 16 hex digits');
  const lastIndex = expectInteger(frame['lastIndex'], 'last index');
  if (lastIndex > index)
    throw new FormatError(`last batch of a snapshot is ${lastIndex}, after its index ${index}`);
  const parts = expectInteger(frame['parts'], 'parts', 1);
  const part = expectInteger(frame['part'], 'part');
  if (part >= parts) throw new FormatError(`invalid snapshot part ${part} of ${parts}`);
  const stocks = expectList(frame['stocks'], 'stocks').map((stock) => parseStock(stock, lastIndex));
  return { index, life, lastIndex, hash: parseHash(frame['hash']), part, parts, stocks };
}

function parseStock(value: unknown, lastIndex: number): Stock {
  const [name, price, quantity, version] = expectList(value, 'stock');
  if (typeof name !== 'string' || !STOCK_NAME.test(name))
    throw new FormatError('invalid stock name in a snapshot');
  const stock = {
    name,
    price: expectInteger(price, 'price', 1),
    quantity: expectInteger(quantity, 'quantity'),
    version: expectInteger(version, 'version'),
  };
  if (stock.price > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  if (stock.version > lastIndex)
    throw new FormatError(`version ${stock.version} of ${name} is after the last batch of its snapshot`);
  return stock;
}

function parseHash(value: unknown): string {
  if (typeof value === 'string' && HASH.test(value)) return value;
  throw new FormatError('hash is not 64 hex digits');
}

function parseTraces(value: unknown, size: number): readonly RequestTrace[] {
  if (value === undefined) return [];
  const traces = expectList(value, 'traces');
  if (traces.length > size) throw new FormatError('entry has more traces than commands');
  return traces.map((trace) => {
    const [position, requestId] = expectList(trace, 'trace');
    if (!isRequestId(requestId)) throw new FormatError('invalid request id');
    return [expectInteger(position, 'position'), requestId];
  });
}

function parseSkips(value: unknown): SkippedPositions {
  const skips = new Map<number, ReadonlySet<number>>();
  for (const item of expectList(value, 'skips')) {
    const [index, positions] = expectList(item, 'skip');
    const skipped = expectList(positions, 'skipped positions').map((one) =>
      expectInteger(one, 'skipped position'),
    );
    skips.set(expectInteger(index, 'index', 1), new Set(skipped));
  }
  return skips;
}
