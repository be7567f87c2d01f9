/**
 * Requests that differ only in one number. Both load generators can make them from this description: our own
 * directly, and wrk with a Lua script.
 */

/** The numbers of consecutive requests. */
export type Numbers =
  /** No number: all requests are equal. */
  | { readonly kind: 'none' }
  /** `from`, `from` + 1, and so on. */
  | { readonly kind: 'ascending'; readonly from: number }
  /** Uniformly distributed from 1 to `max`. */
  | { readonly kind: 'random'; readonly max: number };

/** A request is `before`, the number, and `after`, each character one byte (latin1). */
export interface NumberedRequests {
  readonly before: string;
  readonly after: string;
  /**
   * Minimum number of digits, padded with zeros; with a `Content-Length`, all numbers must have the same
   * length.
   */
  readonly digits: number;
  readonly numbers: Numbers;
}

/** Repeats one request without a number. */
export function constantRequests(request: Buffer): NumberedRequests {
  return { before: request.toString('latin1'), after: '', digits: 0, numbers: { kind: 'none' } };
}

/**
 * Requests with a number in place of the run of `#` in `request`; its length is the minimum number of digits.
 * @throws RangeError if the request contains no `#`.
 */
export function numberedRequests(request: Buffer, numbers: Numbers): NumberedRequests {
  const text = request.toString('latin1');
  const placeholder = /#+/.exec(text);
  if (placeholder === null) throw new RangeError('the request has no # as placeholder for the number');
  return {
    before: text.slice(0, placeholder.index),
    after: text.slice(placeholder.index + placeholder[0].length),
    digits: placeholder[0].length,
    numbers,
  };
}

/**
 * Returns a function that makes the bytes of the next request.
 * @param random returns numbers from 0 to 1, exclusive.
 */
export function requestSource(requests: NumberedRequests, random: () => number): () => Buffer {
  const { before, after, digits, numbers } = requests;
  const make = (number: number): Buffer =>
    Buffer.from(`${before}${String(number).padStart(digits, '0')}${after}`, 'latin1');
  switch (numbers.kind) {
    case 'none': {
      const bytes = Buffer.from(before + after, 'latin1');
      return () => bytes;
    }
    case 'ascending': {
      let next = numbers.from;
      return () => make(next++);
    }
    case 'random':
      return () => make(1 + Math.floor(random() * numbers.max));
  }
}

/** Prefix of the line with which the Lua script prints its results. */
export const LUA_MARK = 'trireme-bench ';

/** A Lua script for wrk with one thread that sends these requests and prints the results as a line of JSON. */
export function luaScript({ before, after, digits, numbers }: NumberedRequests): string {
  const number = `string.format("%0${digits}d", n)`;
  const body = {
    none: () => 'local all = before .. after\nrequest = function() return all end',
    ascending: (from: number) =>
      `local n = ${from - 1}\nrequest = function() n = n + 1; return before .. ${number} .. after end`,
    random: (max: number) =>
      `math.randomseed(1)\nrequest = function() local n = math.random(${max}); return before .. ${number} .. after end`,
  };
  return `local before, after = ${luaText(before)}, ${luaText(after)}
${numbers.kind === 'none' ? body.none() : numbers.kind === 'ascending' ? body.ascending(numbers.from) : body.random(numbers.max)}
done = function(summary, latency)
  local e = summary.errors
  print(string.format('${LUA_MARK}{"requests":%d,"us":%d,"bad":%d,"broken":%d,"p50":%.3f,"p99":%.3f,"mean":%.3f}',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.mean / 1000))
end
`;
}

/** A Lua string literal for any bytes. */
function luaText(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/g, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`);
  return `"${escaped}"`;
}
