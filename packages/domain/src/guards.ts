/** Checks for what comes out of a decoder. Each throws `FormatError` naming what was expected. */
import { FormatError } from './errors.js';

/** A list. */
export function asList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${what} is not a list`);
  return value as readonly unknown[];
}

/** A plain object, as MessagePack gives it. */
export function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new FormatError(`${what} is not an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A whole number from `min` (0 unless given) to 2^53 - 1. */
export function asInteger(value: unknown, what: string, min = 0): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw new FormatError(`${what} is not a whole number from ${min}`);
  }
  return value;
}

/** Well-formed text of at most `lengthMax` UTF-16 units (1024 unless given): half a surrogate pair would be decoded as longer text. */
export function asText(value: unknown, what: string, lengthMax = 1024): string {
  if (typeof value !== 'string' || value.length > lengthMax || !value.isWellFormed()) {
    throw new FormatError(`${what} is not well-formed text of at most ${lengthMax} characters`);
  }
  return value;
}

/** Why something that was checked is not valid. @throws the error again if it is anything but a `FormatError`. */
export function invalidReason(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  throw error;
}

/** An item of a frame that was not accepted, by the sender's id of it. */
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
 * Checks the items of a frame one by one. Each begins with the asker's id: one that is not valid is set apart by it, so
 * that it costs neither the others nor the link.
 * @param check throws `FormatError` for an item that is not valid.
 * @param itemsMax none unless given: then the length of the frame alone bounds them.
 * @throws FormatError if there are more than `itemsMax`, or an item has no id.
 */
export function asItems<Item>(
  value: unknown,
  check: (id: number, item: readonly unknown[]) => Item,
  itemsMax = Number.POSITIVE_INFINITY,
): CheckedItems<Item> {
  const list = asList(value, 'items');
  if (list.length > itemsMax) throw new FormatError(`more than ${itemsMax} items in a frame`);
  const items: Item[] = [];
  const invalid: InvalidItem[] = [];
  for (const entry of list) {
    const item = asList(entry, 'item');
    const id = asInteger(item[0], 'id');
    try {
      items.push(check(id, item));
    } catch (error) {
      invalid.push({ id, reason: invalidReason(error) });
    }
  }
  return { items, invalid };
}

export function asBoolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new FormatError(`${what} is not a boolean`);
  return value;
}

/** Raw bytes. */
export function asBytes(value: unknown, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new FormatError(`${what} is not bytes`);
  return value;
}
