/** Runs a bare `node:http` server that repeats one answer of Trireme: same headers, same body. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Target } from '../load/connection.js';
import type { BenchSession } from './session.js';

/** Headers that Node's server adds itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['connection', 'date', 'keep-alive']);

export interface BareServer {
  readonly target: Target;
  /** Size of the body of each answer. */
  readonly bodyBytes: number;
  readonly stop: () => Promise<void>;
}

/**
 * Requests `url` once, and starts a process that answers every request the same.
 * @throws Error if the request fails.
 */
export async function startBareServer(session: BenchSession, url: string): Promise<BareServer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  const body = await response.text();
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !OWN_HEADERS.has(name)));
  const child = spawn(process.execPath, [fileURLToPath(new URL('./bare-server-main.js', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = session.defer(async () => {
    child.stdin.end();
    await exited;
  });
  child.stdin.write(`${JSON.stringify({ headers, body })}\n`);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { target: { host: '127.0.0.1', port: Number(line) }, bodyBytes: Buffer.byteLength(body), stop };
}
