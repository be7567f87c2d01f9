/** Checks of decoded values. Each throws a `FormatError` that names the value and the expected type. */
import { FormatError } from './errors.js';

/** A list. */
export function expectList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${what} is not a list`);
  return value as readonly unknown[];
}

/** A plain object, as the MessagePack decoder returns it. */
export function expectObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new FormatError(`${what} is not an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A whole number from `min` (default 0) to 2^53 - 1. */
export function expectInteger(value: unknown, what: string, min = 0): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw new FormatError(`${what} is not a whole number of at least ${min}`);
  }
  return value;
}

/**
 * Well-formed text of at most `lengthMax` UTF-16 units (default 1024). Other text would grow when encoded as UTF-8.
 */
export function expectText(value: unknown, what: string, lengthMax = 1024): string {
  if (typeof value !== 'string' || value.length > lengthMax || !value.isWellFormed()) {
    throw new FormatError(`${what} is not well-formed text of at most ${lengthMax} characters`);
  }
  return value;
}

/** The message of a `FormatError`. Rethrows any other error. */
export function formatErrorMessage(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  throw error;
}

/** An invalid item of a frame. `id` is the id that the sender gave it. */
export interface InvalidItem {
  readonly id: number;
  readonly reason: string;
}

/** The items of one frame. */
export interface CheckedItems<Item> {
  readonly items: readonly Item[];
  readonly invalid: readonly InvalidItem[];
}

/**
 * Checks the items of a frame one by one. Each starts with an id of the sender, by which an invalid item is returned:
 * it affects neither the other items nor the link.
 * @param check throws `FormatError` for an invalid item.
 * @param itemsMax maximum number of items; unless given, only the length of the frame limits it.
 * @throws FormatError if there are more than `itemsMax` items, or an item has no id.
 */
export function expectItems<Item>(
  value: unknown,
  check: (id: number, item: readonly unknown[]) => Item,
  itemsMax = Number.POSITIVE_INFINITY,
): CheckedItems<Item> {
  const list = expectList(value, 'items');
  if (list.length > itemsMax) throw new FormatError(`frame has more than ${itemsMax} items`);
  const items: Item[] = [];
  const invalid: InvalidItem[] = [];
  for (const entry of list) {
    const item = expectList(entry, 'item');
    const id = expectInteger(item[0], 'id');
    try {
      items.push(check(id, item));
    } catch (error) {
      invalid.push({ id, reason: formatErrorMessage(error) });
    }
  }
  return { items, invalid };
}

/** @returns the value. @throws FormatError with `what` if it is not a boolean. */
export function expectBoolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new FormatError(`${what} is not a boolean`);
  return value;
}

/** Raw bytes. */
export function expectBytes(value: unknown, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new FormatError(`${what} is not bytes`);
  return value;
}
