/**
 * The contents of the log: first the seed, which is the initial stock table, then batches of commands. A batch is one
 * log entry. A command is identified by its log index and its position in the batch.
 */
import { pack, unpack } from './codec.js';
import { FormatError } from './errors.js';
import { expectInteger, expectList, expectText } from './guards.js';
import {
  ORDER_NAME_LENGTH_MAX,
  ORDER_QUANTITY_MAX,
  ORDER_TIME_MS_MAX,
  isOrderName,
  type OrderType,
} from './order.js';
import { PRICE_CENTS_MAX, type Cents } from './money.js';
import { STOCKS_MAX, STOCK_NAME } from './stock.js';

/** Maximum length of an idempotency key, in characters. */
export const KEY_LENGTH_MAX = 255;

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Whether `value` is an idempotency key: 1 to `KEY_LENGTH_MAX` printable ASCII characters. */
export function isIdempotencyKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= KEY_LENGTH_MAX && PRINTABLE_ASCII.test(value);
}

/** Maximum number of commands in a batch. */
export const BATCH_COMMANDS_MAX = 4096;

interface KeyedCommand {
  /** The client's idempotency key. A key has an effect at most once. */
  readonly key: string;
  readonly name: string;
}

/** A buy or sell order. It gets a number when it is filled. */
export interface OrderCommand extends KeyedCommand {
  readonly kind: OrderType;
  readonly quantity: number;
}

/** Lists a stock with quantity 0, or sets the price of a listed stock. */
export interface ListCommand extends KeyedCommand {
  readonly kind: 'list';
  readonly price: Cents;
}

/** Adds quantity to a listed stock. */
export interface RestockCommand extends KeyedCommand {
  readonly kind: 'restock';
  readonly quantity: number;
}

/** A change that a client or an operator requests. Its key makes it safe to repeat. */
export type Command = OrderCommand | ListCommand | RestockCommand;

/** Why a command was rejected. */
export type Rejection = 'STOCK_NOT_FOUND' | 'INSUFFICIENT_STOCK' | 'LIMIT_REACHED';

/**
 * The outcome of a command: `filled` for an order, with its price; `done` for a list or restock command; `rejected` for
 * any command; `none` if the command had no effect because its key was used before.
 */
export type Outcome =
  | { readonly kind: 'filled'; readonly price: Cents }
  | { readonly kind: 'done' }
  | { readonly kind: 'rejected'; readonly reason: Rejection }
  | { readonly kind: 'none' };

/** A stock of the initial stock table. */
export interface SeedStock {
  readonly name: string;
  readonly price: Cents;
  readonly quantity: number;
}

/** Maximum number of stocks in a part of the seed. A part is one log entry. */
export const SEED_PART_STOCKS_MAX = 1000;

/** Maximum number of parts of a seed. */
export const SEED_PARTS_MAX = Math.ceil(STOCKS_MAX / SEED_PART_STOCKS_MAX);

/**
 * A part of the seed. The leader of a new cluster appends all parts before any command. If it loses leadership before
 * the last part, the next leader starts again with part 0 of its own seed.
 */
export interface SeedPart {
  /** Random id of the cluster that this seed creates: 16 hex digits. Entity tags contain it. */
  readonly life: string;
  /** Number of this part, from 0 to `parts` - 1. */
  readonly part: number;
  readonly parts: number;
  readonly stocks: readonly SeedStock[];
}

/** Maximum number of catalogs in the configured set. */
export const CATALOGS_MAX = 16;

/** A log entry of kind `command`: commands, a part of the seed, a new `life`, a set of catalogs, or nothing. */
export interface Batch {
  /**
   * Age of the cluster in whole milliseconds: the total time with a leader, by the leaders' monotonic clocks. It never
   * decreases along the log. Keys expire by it.
   */
  readonly age: number;
  /** Wall-clock time, for display: milliseconds since 1970, 0 to `ORDER_TIME_MS_MAX`. Never decreases along the log. */
  readonly time: number;
  /** Number of visible orders when the leader created the batch. A replica returns no order with a higher number. */
  readonly visibleOrders: number;
  readonly commands: readonly Command[];
  readonly seed: SeedPart | null;
  /** New life of the cluster: the leader's data folder is a copy, and the original cluster may still run. */
  readonly life?: string;
  /** New catalog set, as ids: the catalogs that a leader waits for. */
  readonly catalogs?: readonly string[] | undefined;
}

const FORMAT = 4;

/** Id of a catalog, which is also the name of its process. */
const CATALOG_ID = /^catalog([-.][A-Za-z0-9._-]{1,56})?$/;

/** Whether `id` is a catalog id: `catalog`, or that with `-` or `.` and 1 to 56 characters of `A-Z a-z 0-9 . _ -`. */
export function isCatalogId(id: unknown): id is string {
  return typeof id === 'string' && CATALOG_ID.test(id);
}

/** The life of a cluster. */
const LIFE = /^[0-9a-f]{16}$/;
const KINDS = ['buy', 'sell', 'list', 'restock'] as const;
/** The kinds of commands as numbers in the log and in frames. They never change. */
export const KIND_CODES = { buy: 0, sell: 1, list: 2, restock: 3 } as const;

/** A command in the log and in frames: `[kind, key, name, amount]`. */
export type CommandWire = readonly [kind: number, key: string, name: string, amount: number];

/** Converts a command to its form in the log and in frames, without validating it. */
export function commandToWire(command: Command): CommandWire {
  const amount = command.kind === 'list' ? command.price : command.quantity;
  return [KIND_CODES[command.kind], command.key, command.name, amount];
}

/**
 * Validates a command. Received, proposed and logged commands all pass this one function.
 * @throws FormatError if the command is malformed or out of its bounds.
 */
function asCommandWire(value: unknown): CommandWire {
  const wire = expectList(value, 'command');
  const code = expectInteger(wire[0], 'command kind');
  const [, key, name] = wire;
  const amount = expectInteger(wire[3], 'amount', 1);
  if (code >= KINDS.length) throw new FormatError(`unknown command kind ${code}`);
  if (!isIdempotencyKey(key))
    throw new FormatError(`key is not 1 to ${KEY_LENGTH_MAX} printable ASCII characters`);
  if (!isOrderName(name)) {
    throw new FormatError(`stock name is not well-formed text of 1 to ${ORDER_NAME_LENGTH_MAX} characters`);
  }
  if (code === KIND_CODES.list) {
    if (amount > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  } else if (amount > ORDER_QUANTITY_MAX) throw new FormatError('quantity out of bounds');
  return [code, key, name, amount];
}

/** @throws FormatError if the command is malformed or out of its bounds. */
export function commandFromWire(value: unknown): Command {
  const [code, key, name, amount] = asCommandWire(value);
  const kind = KINDS[code] ?? 'buy';
  return kind === 'list' ? { kind, key, name, price: amount } : { kind, key, name, quantity: amount };
}

const REJECTIONS: readonly Rejection[] = ['STOCK_NOT_FOUND', 'INSUFFICIENT_STOCK', 'LIMIT_REACHED'];

/** An outcome as a number: the price if filled, 0 if done, -1 and below for a rejection; null for `none`. */
export type OutcomeWire = number | null;

/** Converts an outcome to a number, for the hash of the log. */
export function outcomeToWire(outcome: Outcome): OutcomeWire {
  switch (outcome.kind) {
    case 'filled':
      return outcome.price;
    case 'done':
      return 0;
    case 'rejected':
      return -1 - REJECTIONS.indexOf(outcome.reason);
    case 'none':
      return null;
  }
}

/** Validates an outcome. @throws FormatError if the outcome is malformed or out of its bounds. */
function asOutcomeWire(value: unknown): OutcomeWire {
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new FormatError('outcome is not a number');
  if (value > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  if (value < -REJECTIONS.length) throw new FormatError(`unknown rejection ${value}`);
  return value;
}

/** @throws FormatError if the outcome is malformed or out of its bounds. */
export function outcomeFromWire(value: unknown): Outcome {
  const wire = asOutcomeWire(value);
  if (wire === null) return { kind: 'none' };
  if (wire > 0) return { kind: 'filled', price: wire };
  const reason = REJECTIONS[-1 - wire];
  return reason === undefined ? { kind: 'done' } : { kind: 'rejected', reason };
}

function withinBatch<T>(commands: readonly T[]): readonly T[] {
  if (commands.length <= BATCH_COMMANDS_MAX) return commands;
  throw new FormatError(`batch has ${commands.length} commands, the limit is ${BATCH_COMMANDS_MAX}`);
}

function asTime(value: unknown): number {
  const time = expectInteger(value, 'batch time');
  if (time > ORDER_TIME_MS_MAX) throw new FormatError('batch time is after the year 9999');
  return time;
}

/**
 * Encodes a batch for the log. Validates it as `decodeBatch` does, because every replica must be able to read the log.
 * @throws FormatError if `decodeBatch` would reject it.
 */
export function encodeBatch({ age, time, visibleOrders, commands, seed, life, catalogs }: Batch): Buffer {
  return pack([
    FORMAT,
    expectInteger(age, 'batch age'),
    asTime(time),
    expectInteger(visibleOrders, 'visible orders'),
    withinBatch(commands).map((command) => asCommandWire(commandToWire(command))),
    seed === null ? null : seedToWire(asSeedPart(seed)),
    life === undefined ? null : asLife(life),
    catalogs === undefined ? null : parseCatalogSet(catalogs),
  ]);
}

/** @throws FormatError if the bytes are not a valid batch of this format. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const [format, age, time, visibleOrders, commands, seed, life, catalogs] = expectList(
    unpack(bytes),
    'batch',
  );
  if (format !== FORMAT)
    throw new FormatError(`batch has format ${String(format)}; this program reads format ${FORMAT}`);
  return {
    age: expectInteger(age, 'batch age'),
    time: asTime(time),
    visibleOrders: expectInteger(visibleOrders, 'visible orders'),
    commands: withinBatch(expectList(commands, 'commands')).map(commandFromWire),
    seed: seed === null ? null : seedFromWire(seed),
    ...(life === null ? {} : { life: asLife(life) }),
    ...(catalogs === null ? {} : { catalogs: parseCatalogSet(catalogs) }),
  };
}

/** Validates a set of catalogs. @throws FormatError if it is malformed, too large or has duplicates. */
export function parseCatalogSet(value: unknown): readonly string[] {
  const ids = expectList(value, 'set of catalogs').map((id) => {
    if (!isCatalogId(id)) throw new FormatError('invalid catalog id');
    return id;
  });
  if (ids.length > CATALOGS_MAX) throw new FormatError(`set of catalogs has more than ${CATALOGS_MAX} ids`);
  if (new Set(ids).size < ids.length) throw new FormatError('set of catalogs has a duplicate id');
  return ids;
}

/** Checks a `life`. @throws FormatError if it is not one */
export function asLife(value: unknown): string {
  const life = expectText(value, 'life');
  if (!LIFE.test(life)) throw new FormatError('life is not 16 hex digits');
  return life;
}

/** `[name, price, quantity]` */
type SeedStockWire = readonly [string, Cents, number];

type SeedPartWire = readonly [life: string, part: number, parts: number, stocks: readonly SeedStockWire[]];

function seedToWire({ life, part, parts, stocks }: SeedPart): SeedPartWire {
  return [life, part, parts, stocks.map(({ name, price, quantity }) => [name, price, quantity])];
}

function seedFromWire(value: unknown): SeedPart {
  const [life, part, parts, stocks] = expectList(value, 'seed');
  return asSeedPart({
    life: expectText(life, 'life'),
    part: expectInteger(part, 'part of the seed'),
    parts: expectInteger(parts, 'parts of the seed'),
    stocks: expectList(stocks, 'stocks of the seed').map((stock) => {
      const [name, price, quantity] = expectList(stock, 'stock of the seed');
      return {
        name: expectText(name, 'name'),
        price: expectInteger(price, 'price'),
        quantity: expectInteger(quantity, 'quantity'),
      };
    }),
  });
}

/** Validates a part of a seed. @throws FormatError if a value is out of its bounds. */
function asSeedPart(seed: SeedPart): SeedPart {
  const { life, part, parts, stocks } = seed;
  asLife(life);
  if (
    expectInteger(part, 'part of the seed') >= expectInteger(parts, 'parts of the seed') ||
    parts > SEED_PARTS_MAX
  )
    throw new FormatError(`invalid seed part ${part} of ${parts}`);
  if (stocks.length > SEED_PART_STOCKS_MAX)
    throw new FormatError(`seed part has more than ${SEED_PART_STOCKS_MAX} stocks`);
  for (const { name, price, quantity } of stocks) {
    if (!STOCK_NAME.test(name)) throw new FormatError('invalid stock name in the seed');
    if (expectInteger(price, 'price', 1) > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
    expectInteger(quantity, 'quantity');
  }
  return seed;
}
