/**
 * What stands in the log: batches of commands, and before all of them the seed, the stocks that the cluster begins with.
 * One batch is one log entry; a command's place is (log index, position in the batch).
 */
import { pack, unpack } from './codec.js';
import { FormatError } from './errors.js';
import { asInteger, asList, asText } from './guards.js';
import {
  ORDER_NAME_LENGTH_MAX,
  ORDER_QUANTITY_MAX,
  ORDER_TIME_MS_MAX,
  isOrderName,
  type OrderType,
} from './order.js';
import { PRICE_CENTS_MAX, type Cents } from './money.js';
import { STOCKS_MAX, STOCK_NAME } from './stock.js';

/** Longest idempotency key, in characters. */
export const KEY_LENGTH_MAX = 255;

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Whether it is an idempotency key: 1 to `KEY_LENGTH_MAX` printable ASCII characters. */
export function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= KEY_LENGTH_MAX && PRINTABLE_ASCII.test(value);
}

/** Commands in one batch at most. */
export const BATCH_COMMANDS_MAX = 4096;

interface Keyed {
  /** The client's idempotency key: one key, one effect. */
  readonly key: string;
  readonly name: string;
}

/** Buy or sell; numbered when filled. */
export interface PlaceCommand extends Keyed {
  readonly kind: OrderType;
  readonly quantity: number;
}

/** Lists a stock with quantity 0, or sets the price of a listed one. */
export interface ListCommand extends Keyed {
  readonly kind: 'list';
  readonly price: Cents;
}

/** Adds quantity to a listed stock. */
export interface RestockCommand extends Keyed {
  readonly kind: 'restock';
  readonly quantity: number;
}

export type Command = PlaceCommand | ListCommand | RestockCommand;

/** Why a command was refused. */
export type Rejection = 'STOCK_NOT_FOUND' | 'INSUFFICIENT_STOCK' | 'LIMIT_REACHED';

/**
 * What became of one command: `filled` an order at a price, `done` a list or restock, `rejected` either, and `none`
 * where the command's key had been used before, so that it made nothing.
 */
export type Outcome =
  | { readonly kind: 'filled'; readonly price: Cents }
  | { readonly kind: 'done' }
  | { readonly kind: 'rejected'; readonly reason: Rejection }
  | { readonly kind: 'none' };

/** A stock that a cluster begins with. */
export interface SeedStock {
  readonly name: string;
  readonly price: Cents;
  readonly quantity: number;
}

/** Stocks in one part of the seed at most: one part is one log entry. */
export const SEED_PART_STOCKS_MAX = 1000;

/** Parts of a seed at most. */
export const SEED_PARTS_MAX = Math.ceil(STOCKS_MAX / SEED_PART_STOCKS_MAX);

/**
 * One of the parts that make the seed together. The leader of a new cluster logs them before anything else. Where it loses its
 * lead in between, its successor begins again with part 0 of a seed of its own.
 */
export interface SeedPart {
  /** Random id of the seed, and so of what the cluster makes of it: entity tags name it. */
  readonly life: string;
  /** Which part it is, from 0, and of how many. */
  readonly part: number;
  readonly parts: number;
  readonly stocks: readonly SeedStock[];
}

/** Catalogs in the configured set at most. */
export const CATALOGS_MAX = 16;

/** One log entry of kind `command`: commands, a part of the seed, a new life, a set of catalogs, or none of these. */
export interface Batch {
  /**
   * Age of the cluster in milliseconds: for how long anyone has led it, by the leaders' monotonic clocks. Whole; never
   * falls along the log. Keys expire by it.
   */
  readonly age: number;
  /** Wall-clock time for people: whole milliseconds since 1970, 0 to `ORDER_TIME_MS_MAX`. Never falls along the log. */
  readonly time: number;
  /** Filled orders that were visible when the leader made the batch: a replica shows none with a higher number. */
  readonly visibleOrders: number;
  readonly commands: readonly Command[];
  readonly seed: SeedPart | null;
  /** From here on the cluster has this life: the folder of the leader is a copy, and the original may go on by itself. */
  readonly life?: string;
  /** From here on these are the catalogs, by their ids: those that a leader waits for. */
  readonly catalogs?: readonly string[];
}

const FORMAT = 4;

/** Id of a catalog: the name of its process. */
const CATALOG_ID = /^catalog([-.][A-Za-z0-9._-]{1,56})?$/;

/** Whether a catalog may have this id: `catalog`, or `catalog-` or `catalog.` and 1 to 56 characters of `A-Z a-z 0-9 . _ -`. */
export function isCatalogId(id: unknown): id is string {
  return typeof id === 'string' && CATALOG_ID.test(id);
}

/** Characters of a life. */
const LIFE = /^[0-9a-f]{16}$/;
const KINDS = ['buy', 'sell', 'list', 'restock'] as const;
export const KIND_CODES = { buy: 0, sell: 1, list: 2, restock: 3 } as const;

/** A command as a flat list, `[kind, key, name, amount]`: the form that it has in the log and in frames. */
export type CommandWire = readonly [kind: number, key: string, name: string, amount: number];

export function commandToWire(command: Command): CommandWire {
  const amount = command.kind === 'list' ? command.price : command.quantity;
  return [KIND_CODES[command.kind], command.key, command.name, amount];
}

/**
 * The one definition of what a command may be, for what comes in, what is proposed and what is read from the log.
 * @throws FormatError if it is not a command within its bounds.
 */
function asCommandWire(value: unknown): CommandWire {
  const wire = asList(value, 'command');
  const code = asInteger(wire[0], 'command kind');
  const [, key, name] = wire;
  const amount = asInteger(wire[3], 'amount', 1);
  if (code >= KINDS.length) throw new FormatError('command of unknown kind');
  if (!isKey(key)) throw new FormatError(`key is not 1 to ${KEY_LENGTH_MAX} printable ASCII characters`);
  if (!isOrderName(name)) {
    throw new FormatError(`stock name is not well-formed text of 1 to ${ORDER_NAME_LENGTH_MAX} characters`);
  }
  if (code === KIND_CODES.list) {
    if (amount > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  } else if (amount > ORDER_QUANTITY_MAX) throw new FormatError('quantity out of bounds');
  return [code, key, name, amount];
}

/** @throws FormatError if it is not a command within its bounds. */
export function commandFromWire(value: unknown): Command {
  const [code, key, name, amount] = asCommandWire(value);
  const kind = KINDS[code] ?? 'buy';
  return kind === 'list' ? { kind, key, name, price: amount } : { kind, key, name, quantity: amount };
}

const REJECTIONS: readonly Rejection[] = ['STOCK_NOT_FOUND', 'INSUFFICIENT_STOCK', 'LIMIT_REACHED'];

/** An outcome as one small number: a price, 0 for done, -1 and below for why not, null where nothing was made. */
export type OutcomeWire = number | null;

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

/** The one definition of what an outcome may be. @throws FormatError if it is not an outcome within its bounds. */
function asOutcomeWire(value: unknown): OutcomeWire {
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new FormatError('outcome is not a number');
  if (value > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  if (value < -REJECTIONS.length) throw new FormatError(`unknown rejection ${value}`);
  return value;
}

/** @throws FormatError if it is not an outcome. */
export function outcomeFromWire(value: unknown): Outcome {
  const wire = asOutcomeWire(value);
  if (wire === null) return { kind: 'none' };
  if (wire > 0) return { kind: 'filled', price: wire };
  const reason = REJECTIONS[-1 - wire];
  return reason === undefined ? { kind: 'done' } : { kind: 'rejected', reason };
}

function withinBatch<T>(commands: readonly T[]): readonly T[] {
  if (commands.length <= BATCH_COMMANDS_MAX) return commands;
  throw new FormatError(`batch of ${commands.length} commands, at most ${BATCH_COMMANDS_MAX} are allowed`);
}

function asTime(value: unknown): number {
  const time = asInteger(value, 'batch time');
  if (time > ORDER_TIME_MS_MAX) throw new FormatError('batch time is after the year 9999');
  return time;
}

/**
 * Encodes a batch for the log. Checks it as `decodeBatch` does, since whatever enters the log must be readable by every replica
 * for as long as the log lasts.
 * @throws FormatError if `decodeBatch` would refuse it.
 */
export function encodeBatch({ age, time, visibleOrders, commands, seed, life, catalogs }: Batch): Buffer {
  return pack([
    FORMAT,
    asInteger(age, 'batch age'),
    asTime(time),
    asInteger(visibleOrders, 'visible orders'),
    withinBatch(commands).map((command) => asCommandWire(commandToWire(command))),
    seed === null ? null : seedToWire(asSeedPart(seed)),
    life === undefined ? null : asLife(life),
    catalogs === undefined ? null : asCatalogSet(catalogs),
  ]);
}

/** @throws FormatError if the bytes are not a batch of this format. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const [format, age, time, visibleOrders, commands, seed, life, catalogs] = asList(unpack(bytes), 'batch');
  if (format !== FORMAT)
    throw new FormatError(`batch format ${String(format)}, this program reads ${FORMAT}`);
  return {
    age: asInteger(age, 'batch age'),
    time: asTime(time),
    visibleOrders: asInteger(visibleOrders, 'visible orders'),
    commands: withinBatch(asList(commands, 'commands')).map(commandFromWire),
    seed: seed === null ? null : seedFromWire(seed),
    ...(life === null ? {} : { life: asLife(life) }),
    ...(catalogs === null ? {} : { catalogs: asCatalogSet(catalogs) }),
  };
}

/** The one definition of what a set of catalogs may be. @throws FormatError if it is not one. */
export function asCatalogSet(value: unknown): readonly string[] {
  const ids = asList(value, 'set of catalogs').map((id) => {
    if (!isCatalogId(id)) throw new FormatError('the id of a catalog is not valid');
    return id;
  });
  if (ids.length > CATALOGS_MAX) throw new FormatError(`a set of more than ${CATALOGS_MAX} catalogs`);
  if (new Set(ids).size < ids.length) throw new FormatError('a set of catalogs names one twice');
  return ids;
}

function asLife(value: unknown): string {
  const life = asText(value, 'life');
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
  const [life, part, parts, stocks] = asList(value, 'seed');
  return asSeedPart({
    life: asText(life, 'life'),
    part: asInteger(part, 'part of the seed'),
    parts: asInteger(parts, 'parts of the seed'),
    stocks: asList(stocks, 'stocks of the seed').map((stock) => {
      const [name, price, quantity] = asList(stock, 'stock of the seed');
      return {
        name: asText(name, 'name'),
        price: asInteger(price, 'price'),
        quantity: asInteger(quantity, 'quantity'),
      };
    }),
  });
}

/** The one definition of what a part of a seed may be. @throws FormatError if it is not one. */
function asSeedPart(seed: SeedPart): SeedPart {
  const { life, part, parts, stocks } = seed;
  asLife(life);
  if (asInteger(part, 'part of the seed') >= asInteger(parts, 'parts of the seed') || parts > SEED_PARTS_MAX)
    throw new FormatError(`part ${part} of ${parts} of the seed`);
  if (stocks.length > SEED_PART_STOCKS_MAX)
    throw new FormatError(`a part of the seed has more than ${SEED_PART_STOCKS_MAX} stocks`);
  for (const { name, price, quantity } of stocks) {
    if (!STOCK_NAME.test(name)) throw new FormatError('the name of a stock of the seed cannot be listed');
    if (asInteger(price, 'price', 1) > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
    asInteger(quantity, 'quantity');
  }
  return seed;
}
