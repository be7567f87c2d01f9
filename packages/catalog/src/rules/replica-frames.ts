/** Checks of the frames of replicas. What does not pass closes the link that it came on. */
import {
  asBytes,
  asInteger,
  asList,
  asMembersFrame,
  asObject,
  asText,
  decodeBatch,
  FormatError,
  isRequestId,
  PRICE_CENTS_MAX,
  STOCK_NAME,
  type MembersFrame,
  type RequestTrace,
  type Stock,
} from '@trireme/domain';
import type { ReceivedBatch, ReceivedEntry, Skips } from './followed-log.js';
import type { SnapshotPart } from './snapshot.js';

const LIFE = /^[0-9a-f]{16}$/;
const HASH = /^[0-9a-f]{64}$/;

/** `ReplicaToCatalog`, decoded. */
export type ReplicaFrame =
  | MembersFrame
  | { readonly t: 'lead'; readonly term: number }
  | { readonly t: 'refused' | 'reset'; readonly reason: string }
  | ({ readonly t: 'snapshot' } & SnapshotPart)
  | ({ readonly t: 'entry' } & ReceivedEntry)
  | { readonly t: 'visible'; readonly index: number; readonly skips: Skips; readonly hash: string }
  | { readonly t: 'authority'; readonly id: number; readonly logged: number };

type Frame = Readonly<Record<string, unknown>>;

/** @throws FormatError if it is not a frame of a replica, or its batch is not one that a catalog takes. */
export function parseReplicaFrame(message: unknown): ReplicaFrame {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'members':
      return asMembersFrame(frame);
    case 'lead':
      return { t: 'lead', term: asInteger(frame['term'], 'term', 1) };
    case 'refused':
      return { t: 'refused', reason: asText(frame['reason'], 'reason') };
    case 'reset':
      return { t: 'reset', reason: asText(frame['reason'], 'reason') };
    case 'snapshot':
      return { t: 'snapshot', ...parseSnapshotPart(frame) };
    case 'entry': {
      const index = asInteger(frame['index'], 'index', 1);
      return { t: 'entry', index, batch: frame['batch'] === null ? null : parseBatch(frame) };
    }
    case 'visible':
      return {
        t: 'visible',
        index: asInteger(frame['index'], 'index'),
        skips: parseSkips(frame['skips']),
        hash: parseHash(frame['hash']),
      };
    case 'authority':
      return {
        t: 'authority',
        id: asInteger(frame['id'], 'id'),
        logged: asInteger(frame['logged'], 'logged'),
      };
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseBatch(frame: Frame): ReceivedBatch {
  const bytes = asBytes(frame['batch'], 'batch');
  const { commands, seed, life } = decodeBatch(bytes);
  if (seed !== null) throw new FormatError('a seed comes as a snapshot');
  if (life !== undefined) throw new FormatError('a new life comes as a reset');
  return { bytes, commands, traces: parseTraces(frame['traces'], commands.length) };
}

function parseSnapshotPart(frame: Frame): SnapshotPart {
  const index = asInteger(frame['index'], 'index', 1);
  const life = frame['life'];
  if (typeof life !== 'string' || !LIFE.test(life)) throw new FormatError('life is not 16 hex digits');
  const lastIndex = asInteger(frame['lastIndex'], 'last index');
  if (lastIndex > index) throw new FormatError('the last batch of a snapshot is after its index');
  const parts = asInteger(frame['parts'], 'parts', 1);
  const part = asInteger(frame['part'], 'part');
  if (part >= parts) throw new FormatError(`part ${part} of ${parts} of a snapshot`);
  const stocks = asList(frame['stocks'], 'stocks').map((stock) => parseStock(stock, lastIndex));
  return { index, life, lastIndex, hash: parseHash(frame['hash']), part, parts, stocks };
}

function parseStock(value: unknown, lastIndex: number): Stock {
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
  if (stock.version > lastIndex)
    throw new FormatError('a stock has changed after the last batch of its snapshot');
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

function parseSkips(value: unknown): Skips {
  const skips = new Map<number, ReadonlySet<number>>();
  for (const item of asList(value, 'skips')) {
    const [index, positions] = asList(item, 'skip');
    const skipped = asList(positions, 'skipped positions').map((one) => asInteger(one, 'skipped position'));
    skips.set(asInteger(index, 'index', 1), new Set(skipped));
  }
  return skips;
}
