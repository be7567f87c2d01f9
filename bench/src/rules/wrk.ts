/** The script with which wrk sends a series of requests and prints its results, and the parser of these results. */
import type { Failures, Latency } from './outcomes.js';
import type { RequestSeries } from './requests.js';

/** Results of a closed loop, with any load generator. */
export interface PeakFigures {
  /** 200 answers per second. */
  readonly perSecond: number;
  /**
   * From sending a request to its answer. wrk adds samples for a request that took more than twice the mean interval of
   * its connection: one for each request that a constant rate would have sent meanwhile (stats_correct in its source).
   * It also includes answers other than 200.
   */
  readonly latency: Latency;
  /** wrk does not count requests whose connection the server closes, and requests without an answer at the end. */
  readonly failures: Failures;
  /** CPU seconds of the generator, if it is a process of its own. */
  readonly generatorCpu: number;
}

/** What the latencies of a tool's closed loop are, as the end of a sentence. */
export function closedLatencies(tool: string): string {
  return tool === 'wrk'
    ? 'from sending to the answer; for a request that takes more than twice the mean of its connection, wrk adds samples of the requests that it delayed'
    : 'service times at that load';
}

/** Prefix of the line with which the script prints its results. */
export const WRK_MARK = 'trireme-bench ';

/** A Lua script for wrk with one thread. */
export function wrkScript(series: RequestSeries): string {
  return `${requestFunction(series)}
function done(summary, latency)
  local e = summary.errors
  print(string.format('${WRK_MARK}{"requests":%d,"us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"cpu":%.3f,' ..
    '"mean":%.3f,"p50":%.3f,"p90":%.3f,"p99":%.3f,"max":%.3f}',
    summary.requests, summary.duration, e.status, e.connect, e.read, e.write, e.timeout, os.clock(),
    latency.mean / 1000, latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000))
end
`;
}

/** Lua that formats the request once, and then only fills in the number. */
function requestFunction({ request: { path, body }, numbers }: RequestSeries): string {
  const format =
    body === undefined
      ? `wrk.format("GET", ${luaText(path)})`
      : `wrk.format("POST", ${luaText(path)}, { ["Content-Type"] = "application/json" }, ${luaText(body)})`;
  const constant = `local text
function init() text = ${format} end
function request() return text end`;
  const numbered = (number: string): string => `local n, before, digits, after = 0
function init() before, digits, after = (${format}):match("^([^#]*)(#+)(.*)$") end
function request() n = ${number}; return before .. string.format("%0" .. #digits .. "d", n) .. after end`;
  switch (numbers.kind) {
    case 'none':
      return constant;
    case 'ascending':
      return `${numbered('n + 1')}\nn = ${numbers.from - 1}`;
    case 'random':
      return `${numbered(`math.random(${numbers.max})`)}\nmath.randomseed(1)`;
  }
}

/** A Lua string literal for any bytes. */
function luaText(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/g, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`);
  return `"${escaped}"`;
}

const FAILURES = {
  status: 'status 400 or more',
  connect: 'connect',
  read: 'read',
  write: 'write',
  timeout: 'timeout',
};

/** @throws Error if the output has no results, or one is missing. */
export function parseWrkOutput(output: string): PeakFigures {
  const line = output.split('\n').find((text) => text.startsWith(WRK_MARK));
  if (line === undefined) throw new Error(`wrk printed no results: ${output.slice(0, 500)}`);
  const results = JSON.parse(line.slice(WRK_MARK.length)) as Record<string, unknown>;
  const figure = (name: string): number => {
    const value = results[name];
    if (typeof value !== 'number') throw new Error(`wrk printed results without "${name}"`);
    return value;
  };
  const count = figure('requests') - figure('status');
  const failures = Object.entries(FAILURES).map(([name, why]) => [why, figure(name)] as const);
  return {
    perSecond: count / (figure('us') / 1e6),
    latency: {
      count,
      mean: figure('mean'),
      p50: figure('p50'),
      p90: figure('p90'),
      p99: figure('p99'),
      max: figure('max'),
    },
    failures: Object.fromEntries(failures.filter(([, failed]) => failed > 0)),
    generatorCpu: figure('cpu'),
  };
}
