/**
 * Frames are declared once: a table of schemas, one for each type of frame in one direction of a link, gives both the
 * TypeScript types and the parser.
 */
import { FormatError } from '../errors.js';
import {
  expectBoolean,
  expectBytes,
  expectInteger,
  expectItems,
  expectList,
  expectObject,
  expectText,
  formatErrorMessage,
  type CheckedItems,
} from '../guards.js';

/** Checks a decoded value, and returns it. Throws a `FormatError` that names it as `what`. */
export type Check<T> = (value: unknown, what: string) => T;

/** The type of the values that a check returns. */
export type Checked<C> = C extends Check<infer T> ? T : never;

// ---- checks of values ----------------------------------------------------------------------------------------

export const boolean: Check<boolean> = expectBoolean;

export const bytes: Check<Uint8Array> = expectBytes;

/** A whole number from `min` to 2^53 - 1. */
export function integer(min = 0): Check<number> {
  return (value, what) => expectInteger(value, what, min);
}

/** Well-formed text of at most `lengthMax` UTF-16 units. */
export function text(lengthMax?: number): Check<string> {
  return (value, what) => expectText(value, what, lengthMax);
}

/** Text that matches `pattern`, which error messages call `description`. */
export function matching(pattern: RegExp, description: string): Check<string> {
  return (value, what) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new FormatError(`${what} is not ${description}`);
  };
}

export function oneOf<T extends string>(known: readonly T[]): Check<T> {
  return (value, what) => {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    throw new FormatError(`${what} is not one of ${known.join(', ')}`);
  };
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, what) => (value === null ? null : check(value, what));
}

/** A field that may be absent. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, what) => (value === undefined ? undefined : check(value, what));
}

/** A list of at most `lengthMax` items. @param item name of an item in error messages */
export function listOf<T>(
  check: Check<T>,
  item: string,
  lengthMax = Number.POSITIVE_INFINITY,
): Check<readonly T[]> {
  return (value, what) => {
    const list = expectList(value, what);
    if (list.length > lengthMax) throw new FormatError(`${what} has more than ${lengthMax} ${item}s`);
    return list.map((one) => check(one, item));
  };
}

type Shape = Readonly<Record<string, Check<unknown>>>;

type Flat<T> = { [K in keyof T]: T[K] };

/** The fields of a shape. A field that may be undefined may be absent. */
type FieldsOf<S extends Shape> = Flat<
  {
    readonly [K in keyof S as undefined extends Checked<S[K]> ? never : K]: Checked<S[K]>;
  } & {
    readonly [K in keyof S as undefined extends Checked<S[K]> ? K : never]?: Checked<S[K]>;
  }
>;

/** An object with these fields; others are dropped. */
export function object<S extends Shape>(shape: S): Check<FieldsOf<S>> {
  const checks = Object.entries(shape);
  return (value, what) => {
    const source = expectObject(value, what);
    const fields: Record<string, unknown> = {};
    for (const [name, check] of checks) fields[name] = check(source[name], name);
    return fields as FieldsOf<S>;
  };
}

// ---- schemas of frames ---------------------------------------------------------------------------------------

type Frame = Readonly<Record<string, unknown>>;

/** Parses the fields of a frame. Throws a `FormatError` if the frame as a whole is invalid. */
export interface FrameSchema<Sent extends object, Received extends object = Sent> {
  (frame: Frame): Received;
  /** Never set: carries the type of the fields as they are sent. */
  readonly sent?: Sent;
}

/** A frame with these fields. */
export function fields<S extends Shape>(shape: S): FrameSchema<FieldsOf<S>> {
  const check = object(shape);
  return (frame) => check(frame, 'frame');
}

/** A frame with the fields of both schemas. */
export function both<A extends object, ReceivedA extends object, B extends object, ReceivedB extends object>(
  one: FrameSchema<A, ReceivedA>,
  other: FrameSchema<B, ReceivedB>,
): FrameSchema<A & B, ReceivedA & ReceivedB> {
  return (frame) => ({ ...one(frame), ...other(frame) });
}

/**
 * A frame with a list of items, each of which starts with an id. Invalid items are set apart: see `expectItems`.
 * @param check parses the item with this id
 */
export function items<Item>(
  check: (id: number, item: readonly unknown[]) => Item,
  itemsMax?: number,
): FrameSchema<{ readonly items: readonly Item[] }, CheckedItems<Item>> {
  return (frame) => expectItems(frame['items'], check, itemsMax);
}

/** What is received instead of a frame whose fields are invalid. */
export interface InvalidFrame<T extends string> {
  readonly t: T;
  readonly reason: string;
}

/** Fields whose errors concern only this frame, so that the link stays open: it is received as a frame `type`. */
export function tolerant<T extends string, S extends Shape>(
  type: T,
  shape: S,
): FrameSchema<FieldsOf<S>, FieldsOf<S> | InvalidFrame<T>> {
  const schema = fields(shape);
  return (frame) => {
    try {
      return schema(frame);
    } catch (error) {
      return { t: type, reason: formatErrorMessage(error) };
    }
  };
}

/** A frame with an id, which is also received if other fields are invalid: as `{ t: type, id, reason }`. */
export function tolerantById<T extends string, S extends Shape>(
  type: T,
  shape: S,
): FrameSchema<
  { readonly id: number } & FieldsOf<S>,
  { readonly id: number } & (FieldsOf<S> | InvalidFrame<T>)
> {
  return both(fields({ id: integer() }), tolerant(type, shape));
}

// ---- tables of frames ----------------------------------------------------------------------------------------

/** The schemas of all frames of one direction, by type. */
type FrameTable = Readonly<Record<string, FrameSchema<object, object>>>;

/** A frame of the table, as it is sent. */
export type SentFrame<Table extends FrameTable> = {
  [T in keyof Table]: Flat<{ readonly t: T } & NonNullable<Table[T]['sent']>>;
}[keyof Table];

/** A frame of the table, as `parseFrame` returns it. */
export type ReceivedFrame<Table extends FrameTable> = {
  [T in keyof Table]: Received<T, ReturnType<Table[T]>>;
}[keyof Table];

type Received<T, Fields> = Fields extends { readonly t: string }
  ? Flat<Fields>
  : Flat<{ readonly t: T } & Fields>;

/**
 * Parses a message: an object whose field `t` is its type.
 * @throws FormatError if it is not a valid frame of the table.
 */
export function parseFrame<Table extends FrameTable>(table: Table, message: unknown): ReceivedFrame<Table> {
  const frame = expectObject(message, 'frame');
  const { t } = frame;
  const schema = typeof t === 'string' && Object.hasOwn(table, t) ? table[t] : undefined;
  if (schema === undefined) throw new FormatError('unknown frame type');
  return { t, ...schema(frame) } as ReceivedFrame<Table>;
}
