/**
 * Requests that are alike but for a number in them, described so that both load generators can make them: ours, and wrk
 * by a Lua script.
 */

/** Which numbers. */
export type Numbers =
  /** None: all requests are the same. */
  | { readonly kind: 'none' }
  /** Each one more than the last. */
  | { readonly kind: 'ascending'; readonly from: number }
  /** 1 to `max` at even chances. */
  | { readonly kind: 'random'; readonly max: number };

/** Bytes, as characters of one byte each: `before`, the number, `after`. */
export interface NumberedRequests {
  readonly before: string;
  readonly after: string;
  /** Digits at least; a request with a `Content-Length` needs them all to be of one length. */
  readonly digits: number;
  readonly numbers: Numbers;
}

/** The same request again and again. */
export function constantRequests(request: Buffer): NumberedRequests {
  return { before: request.toString('latin1'), after: '', digits: 0, numbers: { kind: 'none' } };
}

/**
 * Requests with a number in place of the run of `#` in `request`, which sets how many digits it has at least.
 * @throws RangeError if there is no `#`.
 */
export function numberedRequests(request: Buffer, numbers: Numbers): NumberedRequests {
  const text = request.toString('latin1');
  const hole = /#+/.exec(text);
  if (hole === null) throw new RangeError('there is no # to put a number at');
  return {
    before: text.slice(0, hole.index),
    after: text.slice(hole.index + hole[0].length),
    digits: hole[0].length,
    numbers,
  };
}

/** Gives the bytes of one request after the other. @param random gives numbers from 0 up to, but not including, 1. */
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

/** Marks the line in which the script of `luaScript` tells its figures. */
export const LUA_MARK = 'trireme-bench ';

/** A script for wrk with one thread that sends these requests and tells its figures as a line of JSON. */
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

/** A Lua string of any bytes. */
function luaText(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/g, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`);
  return `"${escaped}"`;
}
