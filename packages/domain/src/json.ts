/** JSON whose meaning is beyond doubt: what one parser takes from two equal keys, another does not (RFC 8259, section 4). */
import { FormatError } from './errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** Characters of a key that a message repeats at most. */
const TOLD_MAX = 64;

/**
 * Reads JSON text.
 * @throws SyntaxError if it is not JSON; FormatError naming the key if an object in it has one twice.
 */
export function parseJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  if (hasColonPerKey(value, json)) return value;
  const key = repeatedKey(json);
  if (key !== null) throw new FormatError(`${key.slice(0, TOLD_MAX)}: must be given once`);
  return value;
}

/**
 * Whether the value is an object with as many keys as the text has colons. Then no key comes twice, in it or in an object
 * inside: each key has a colon behind it.
 */
function hasColonPerKey(value: unknown, json: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let colons = 0;
  for (let at = json.indexOf(':'); at !== -1; at = json.indexOf(':', at + 1)) colons += 1;
  return colons === Object.keys(value).length;
}

/** The first key that comes twice in one object; null if none does. @param json text that is JSON */
function repeatedKey(json: string): string | null {
  const outer: (Set<string> | null)[] = [];
  /** Keys of the object that is open, null where a list is. */
  let keys: Set<string> | null = null;
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case '{':
        outer.push(keys);
        keys = new Set();
        break;
      case '[':
        outer.push(keys);
        keys = null;
        break;
      case '}':
      case ']':
        keys = outer.pop() ?? null;
        break;
      case '"': {
        const end = endOfString(json, at);
        if (keys !== null && isKey(json, end)) {
          const raw = json.slice(at + 1, end);
          // A key may be written in several ways: what counts is what it says.
          const key = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
          if (keys.has(key)) return key;
          keys.add(key);
        }
        at = end;
        break;
      }
      default:
    }
  }
  return null;
}

/** Where the string that begins at `at` has its closing quote. */
function endOfString(json: string, at: number): number {
  let end = at + 1;
  while (json.charCodeAt(end) !== QUOTE) end += json.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/** Whether the string that ends at `end` is a key: in JSON nothing else has a colon behind it. */
function isKey(json: string, end: number): boolean {
  let at = end + 1;
  while (json.charCodeAt(at) <= 0x20) at += 1;
  return json.charCodeAt(at) === COLON;
}
