/** Parses the frames of replicas. An invalid frame closes its link. */
import {
  decodeBatch,
  FormatError,
  parseFrame,
  REPLICA_TO_CATALOG,
  STOCK_NAME,
  toStock,
  type ReplicaToCatalog,
  type Stock,
} from '@trireme/domain';
import type { ReceivedBatch, ReceivedEntry, SkippedPositions } from './followed-log.js';
import type { StockSnapshotPart } from './snapshot.js';

type Sent<T extends ReplicaToCatalog['t']> = Extract<ReplicaToCatalog, { readonly t: T }>;

/** `ReplicaToCatalog`, decoded. */
export type ReplicaFrame =
  | Exclude<ReplicaToCatalog, { readonly t: 'snapshot' | 'entry' | 'visible' }>
  | ({ readonly t: 'snapshot' } & StockSnapshotPart)
  | ({ readonly t: 'entry' } & ReceivedEntry)
  | {
      readonly t: 'visible';
      readonly index: number;
      readonly skips: SkippedPositions;
      readonly hash: string;
    };

/** @throws FormatError if the message is not a valid frame, or its batch is not meant for catalogs. */
export function parseReplicaFrame(message: unknown): ReplicaFrame {
  const frame = parseFrame(REPLICA_TO_CATALOG, message);
  switch (frame.t) {
    case 'snapshot':
      return decodeSnapshotPart(frame);
    case 'entry': {
      const { t, index, batch, traces } = frame;
      return { t, index, batch: batch === null ? null : decodeEntryBatch(batch, traces) };
    }
    case 'visible': {
      const { t, index, skips, hash } = frame;
      return { t, index, skips: new Map(skips.map(([at, positions]) => [at, new Set(positions)])), hash };
    }
    default:
      return frame;
  }
}

function decodeEntryBatch(bytes: Uint8Array, traces: Sent<'entry'>['traces'] = []): ReceivedBatch {
  const { commands, seed, life } = decodeBatch(bytes);
  if (seed !== null) throw new FormatError('entry contains a seed, which must be sent as a snapshot');
  if (life !== undefined) throw new FormatError('entry contains a new life, which must be sent as a reset');
  if (traces.length > commands.length) throw new FormatError('entry has more traces than commands');
  return { bytes, commands, traces };
}

function decodeSnapshotPart(frame: Sent<'snapshot'>): { readonly t: 'snapshot' } & StockSnapshotPart {
  const { index, lastIndex, part, parts } = frame;
  if (lastIndex > index)
    throw new FormatError(`last batch of a snapshot is ${lastIndex}, after its index ${index}`);
  if (part >= parts) throw new FormatError(`invalid snapshot part ${part} of ${parts}`);
  return { ...frame, stocks: frame.stocks.map((wire) => checkedStock(toStock(wire), lastIndex)) };
}

function checkedStock(stock: Stock, lastIndex: number): Stock {
  const { name, version } = stock;
  if (!STOCK_NAME.test(name)) throw new FormatError('invalid stock name in a snapshot');
  if (version > lastIndex)
    throw new FormatError(`version ${version} of ${name} is after the last batch of its snapshot`);
  return stock;
}
