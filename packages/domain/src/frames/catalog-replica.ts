/** The frames between catalogs and order replicas. A catalog keeps a link open to every replica. */
import { asLife } from '../command.js';
import { FormatError } from '../errors.js';
import { expectInteger, expectList } from '../guards.js';
import { isRequestId } from '../protocol.js';
import {
  boolean,
  bytes,
  fields,
  integer,
  listOf,
  matching,
  nullable,
  optional,
  text,
  type SentFrame,
} from './schema.js';
import { members, stockWire, url } from './values.js';

/** The request id of the command at `position` of a batch: `[position, requestId]`. */
export type RequestTrace = ReturnType<typeof requestTrace>;

function requestTrace(value: unknown) {
  const [position, requestId] = expectList(value, 'trace');
  if (!isRequestId(requestId)) throw new FormatError('invalid request id');
  return [expectInteger(position, 'position'), requestId] as const;
}

const skippedPositions = listOf(integer(), 'skipped position');

/** The positions of commands without effect of the batch at log index `index`. */
function skip(value: unknown) {
  const [index, positions] = expectList(value, 'skip');
  return [expectInteger(index, 'index', 1), skippedPositions(positions, 'skipped positions')] as const;
}

/** A hash of the log. */
const logHash = matching(/^[0-9a-f]{64}$/, '64 hex digits');

/** Only a leader sends frames other than `members`. */
export const REPLICA_TO_CATALOG = {
  members,
  /** The replica leads this term: the catalog attaches. Sent when it becomes leader, and when a link to a leader opens. */
  lead: fields({ term: integer(1) }),
  /** Answers `attach`: the catalog is not in the catalog set, or another process of it has attached since. */
  refused: fields({ reason: text() }),
  /**
   * Answers `attach`: the catalog's data belongs to another log, for example because all replicas were restored from a
   * copy. The catalog discards everything, closes the links of its front-ends, and attaches as a new process.
   */
  reset: fields({ reason: text() }),
  /**
   * A part of the visible stock table as of log index `index`, which replaces the catalog's. The parts are sent in order
   * with no other frame between them. `lastIndex` is the last batch up to `index` with a command that is not skipped,
   * and `hash` is the log's hash up to it.
   */
  snapshot: fields({
    index: integer(1),
    life: asLife,
    lastIndex: integer(),
    hash: logHash,
    part: integer(),
    parts: integer(1),
    stocks: listOf(stockWire, 'stock'),
  }),
  /**
   * The batch (an encoded `Batch`) at log index `index`, committed or not. It is null if the entries up to `index` that
   * were not sent do not concern a catalog. `traces` is absent if no command is traced.
   */
  entry: fields({
    index: integer(1),
    batch: nullable(bytes),
    traces: optional(listOf(requestTrace, 'trace')),
  }),
  /**
   * Entries up to log index `index` are visible. `skips` lists the positions of commands without effect, for each batch
   * that has some. `hash` is the log's hash up to the last of these batches.
   */
  visible: fields({ index: integer(), skips: listOf(skip, 'skip'), hash: logHash }),
  /** Grants `requestAuthority` number `id`. The leader has sent every entry up to `logged` before. */
  authority: fields({ id: integer(), logged: integer() }),
};

/** A frame that a replica sends to a catalog. */
export type ReplicaToCatalog = SentFrame<typeof REPLICA_TO_CATALOG>;

/** The frames from a catalog to a replica, each with its check. */
export const CATALOG_TO_REPLICA = {
  /** The first frame on a link: the URL at which front-ends reach the catalog's internal port. */
  hello: fields({ url }),
  /** Answers `lead` with its term. `packages/coherence` defines what `visible` and `hadAuthority` guarantee. */
  attach: fields({
    term: integer(),
    /** Random id of the catalog's process: 16 hex digits. */
    process: text(64),
    visible: integer(),
    hadAuthority: boolean,
    /** Life of the cluster that it follows; null before the first snapshot. */
    life: nullable(text(64)),
    /** Index of the last applied batch, 0 if there is none. `hash` is the log's hash up to it. */
    lastIndex: integer(),
    hash: text(64),
  }),
  requestAuthority: fields({ id: integer(1) }),
  /** No front-end can serve a value from before the entries up to log index `index`. */
  revoked: fields({ index: integer() }),
};

/** A frame that a catalog sends to a replica. */
export type CatalogToReplica = SentFrame<typeof CATALOG_TO_REPLICA>;
