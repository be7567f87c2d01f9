/** Runs a bare `node:http` server that repeats one answer of Trireme: same headers, same body. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchSession } from './session.js';
import type { RunningSystem } from './trireme.js';

/** Headers that Node's server adds itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['connection', 'date', 'keep-alive']);

/**
 * Requests `url` once, and starts a process that answers every request the same.
 * @throws Error if the request fails.
 */
export async function startBareServer(session: BenchSession, url: string): Promise<RunningSystem> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  const body = await response.text();
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !OWN_HEADERS.has(name)));
  const child = fork(fileURLToPath(new URL('./bare-server-main.js', import.meta.url)));
  const exited = once(child, 'exit');
  const stop = session.defer(async () => {
    child.disconnect();
    await exited;
  });
  child.send({ headers, body });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop };
}
