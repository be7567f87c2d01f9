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
  if (typeof value !== 'string' || value.length > lengthMax) {
    throw new FormatError(`${what} is not text of at most ${lengthMax} characters`);
  }
  if (!value.isWellFormed()) throw new FormatError(`${what} is not well-formed Unicode`);
  return value;
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
