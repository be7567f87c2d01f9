/** The frames between front-ends and order replicas. The sender of a request chooses its id. */
import { commandFromWire, type Command } from '../command.js';
import { FormatError } from '../errors.js';
import { expectBoolean, expectInteger, expectItems, expectText, type CheckedItems } from '../guards.js';
import { isOrderName } from '../order.js';
import { FRAME_ITEMS_MAX, PAGE_ROWS_MAX, isRequestId } from '../protocol.js';
import { replicaReport } from './reports.js';
import {
  both,
  fields,
  integer,
  items,
  listOf,
  nullable,
  text,
  tolerant,
  tolerantById,
  type Check,
  type FrameSchema,
  type ReceivedFrame,
  type SentFrame,
} from './schema.js';
import {
  afterName,
  catalogs,
  cents,
  lifeOrNone,
  lookup,
  members,
  orderWire,
  pageLimit,
  refusalReason,
  stockPage,
  stockWire,
} from './values.js';

// ---- front-end -> order replica ------------------------------------------------------------------------------

/**
 * `[id, ...command]`, with the client's request id if it sent one. Processes only log that id, to trace the request.
 */
export type SubmitItemWire = readonly [
  id: number,
  kind: number,
  key: string,
  name: string,
  amount: number,
  requestId?: string,
];

/** A command that a front-end submits. */
interface Submission {
  readonly id: number;
  readonly command: Command;
  /** Request id of the client; null if it gave none. */
  readonly requestId: string | null;
}

function submission(id: number, [, ...command]: readonly unknown[]): Submission {
  const requestId = command[4] ?? null;
  if (requestId !== null && !isRequestId(requestId)) throw new FormatError('request id is not valid');
  return { id, command: commandFromWire(command), requestId };
}

/** Commands to submit. */
const submit: FrameSchema<{ readonly items: readonly SubmitItemWire[] }, CheckedItems<Submission>> = (
  frame,
) => expectItems(frame['items'], submission, FRAME_ITEMS_MAX);

/** An order to look up: `[id, number, linearizable]`. */
export type OrderReadItem = ReturnType<typeof orderReadItem>;

function orderReadItem(id: number, [, number, linearizable]: readonly unknown[]) {
  return [id, expectInteger(number, 'number', 1), expectBoolean(linearizable, 'linearizable')] as const;
}

const orderName: Check<string> = (value, what) => {
  if (isOrderName(value)) return value;
  throw new FormatError(`${what} is not a valid stock name`);
};

/** The frames from a front-end to a replica, each with its check. */
export const FRONTEND_TO_REPLICA = {
  submit,
  /** With `linearizable` only the leader answers `missing`, after a confirmed read. */
  get: items(orderReadItem, FRAME_ITEMS_MAX),
  /**
   * At most `limit` filled orders with numbers above `after`, of stock `name` unless it is null. Leader only. A list
   * examines a limited number of orders, so a page may be short or even empty before the end.
   */
  list: tolerantById('invalidList', { limit: pageLimit, after: integer(), name: nullable(orderName) }),
  /** Stocks to look up when no catalog answers. Leader only, from visible state after a confirmed read. */
  lookup,
  /** At most `limit` stocks with names after `after`, like `lookup`. Lists of orders and of stocks share one id space. */
  listStocks: tolerantById('invalidList', { limit: pageLimit, after: afterName }),
  /** Requests a report of the replica, for monitoring. */
  report: fields({}),
};

/** A frame that a front-end sends to a replica. */
export type FrontendToReplica = SentFrame<typeof FRONTEND_TO_REPLICA>;
/** A frame that a replica received: invalid parts of it are marked instead of refused. */
export type ReceivedFrontendToReplica = ReceivedFrame<typeof FRONTEND_TO_REPLICA>;

// ---- order replica -> front-end ------------------------------------------------------------------------------

/**
 * The result of a submitted command. `refused`: this attempt had no effect. `lost`: the leader appended the command to
 * its log and then lost leadership, so the command may still be decided; a retry with the same key returns its outcome.
 * `invalid`: the command violates the protocol and never has an effect.
 */
export type SubmitResult = ReturnType<typeof submitResult>;

function submitResult(id: number, item: readonly unknown[]) {
  switch (item[1]) {
    case 'filled':
      return [id, 'filled', expectInteger(item[2], 'order number', 1), cents(item[3])] as const;
    case 'done':
      return [id, 'done'] as const;
    case 'rejected':
      return [id, 'rejected', expectText(item[2], 'reason')] as const;
    case 'keyReused':
      return [id, 'keyReused'] as const;
    case 'refused':
      return [id, 'refused', refusalReason(item[2], 'refusal')] as const;
    case 'lost':
      return [id, 'lost'] as const;
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')] as const;
    default:
      throw new FormatError('submit result has an unknown kind');
  }
}

/** `missing` is final if the read was linearizable. `refused`: retry at the leader. `invalid`: violates the protocol. */
export type OrderReadResult = ReturnType<typeof orderReadResult>;

function orderReadResult(id: number, item: readonly unknown[]) {
  return item[1] === 'order' ? ([id, 'order', orderWire(item[2])] as const) : notFound(id, item);
}

/** `missing` is final. `refused`: retry at the leader, or later. `invalid`: violates the protocol. */
export type StockReadResult = ReturnType<typeof stockReadResult>;

function stockReadResult(id: number, item: readonly unknown[]) {
  return item[1] === 'stock' ? ([id, 'stock', stockWire(item[2])] as const) : notFound(id, item);
}

/** Results of a read other than the requested value. */
function notFound(id: number, item: readonly unknown[]) {
  switch (item[1]) {
    case 'missing':
      return [id, 'missing'] as const;
    case 'refused':
      return [id, 'refused', refusalReason(item[2], 'refusal')] as const;
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')] as const;
    default:
      throw new FormatError('result of a read has an unknown kind');
  }
}

const stocksFields = both(fields({ life: lifeOrNone }), items(stockReadResult));

/** Only a replica that knows the life of the cluster can answer a look-up; any other may refuse it. */
const stocks: typeof stocksFields = (frame) => {
  const answer = stocksFields(frame);
  if (answer.life === '' && answer.items.some(([, result]) => result === 'stock' || result === 'missing'))
    throw new FormatError('stocks were looked up without a life of the cluster');
  return answer;
};

/** Results are not limited in number: a leader may answer several frames at once. */
export const REPLICA_TO_FRONTEND = {
  /** Sent when the link opens, and at each change. `leader` is null while no leader is known. */
  leader: fields({ self: text(), leader: nullable(text()), term: integer() }),
  /** Sent when the link opens, and at each change. */
  members,
  /** Sent when the link opens, and at each change. */
  catalogs,
  submitted: items(submitResult),
  got: items(orderReadResult),
  /** The next page starts after number `next`, which is null at the end. A page may be short or empty before it. */
  page: tolerantById('invalidPage', {
    orders: listOf(orderWire, 'row', PAGE_ROWS_MAX),
    next: nullable(integer()),
  }),
  /** Answers `lookup`. Entity tags contain `life`, which is empty only if no item has a result. */
  stocks,
  /** Answers `listStocks`. */
  stockPage: tolerantById('invalidPage', stockPage),
  /** Answers a list of either kind. */
  pageRefused: tolerantById('invalidPage', { why: refusalReason }),
  pageInvalid: tolerantById('invalidPage', { reason: text() }),
  /** Answers `report`. */
  report: tolerant('invalidReport', { report: replicaReport }),
};

/** A frame that a replica sends to a front-end. */
export type ReplicaToFrontend = SentFrame<typeof REPLICA_TO_FRONTEND>;
/** A frame that a front-end received from a replica: invalid parts of it are marked instead of refused. */
export type ReceivedReplicaToFrontend = ReceivedFrame<typeof REPLICA_TO_FRONTEND>;
