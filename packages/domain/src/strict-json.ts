/** Parses JSON without duplicate keys, for which parsers differ in their result (RFC 8259, section 4). */
import { FormatError } from './errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** Maximum number of characters of a key in an error message. */
const SHOWN_LENGTH_MAX = 64;

/**
 * Parses JSON text.
 * @throws SyntaxError if it is not JSON; FormatError naming the key if an object has a key twice.
 */
export function parseStrictJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  if (hasColonPerKey(value, json)) return value;
  const key = repeatedKey(json);
  if (key !== null) throw new FormatError(`${key.slice(0, SHOWN_LENGTH_MAX)}: must be given once`);
  return value;
}

/**
 * Whether the value is an object with as many keys as the text has colons. Then no object has a key twice, because each
 * key is followed by a colon.
 */
function hasColonPerKey(value: unknown, json: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let colons = 0;
  for (let at = json.indexOf(':'); at !== -1; at = json.indexOf(':', at + 1)) colons += 1;
  return colons === Object.keys(value).length;
}

/** The first key that an object has twice; null if there is none. @param json valid JSON */
function repeatedKey(json: string): string | null {
  const outer: (Set<string> | null)[] = [];
  /** Keys of the innermost open object; null inside a list. */
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
          // Escapes give one key several spellings: compare the decoded keys.
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

/** Position of the closing quote of the string that starts at `at`. */
function endOfString(json: string, at: number): number {
  let end = at + 1;
  while (json.charCodeAt(end) !== QUOTE) end += json.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/** Whether the string that ends at `end` is a key: in JSON only a key is followed by a colon. */
function isKey(json: string, end: number): boolean {
  let at = end + 1;
  while (json.charCodeAt(at) <= 0x20) at += 1;
  return json.charCodeAt(at) === COLON;
}
