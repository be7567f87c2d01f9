/** One run of a benchmark: its folder on disk, and everything that must be stopped at its end, however it ends. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of `bench/`, without a slash at its end. */
export const BENCH_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What Linux calls the type of a file system in memory, on which a sync costs nothing. */
const TMPFS = 0x01021994;

export class Session {
  /** For all that the systems under test store: one disk for all of them. */
  readonly folder: string;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor() {
    const parent = join(BENCH_ROOT, 'data');
    mkdirSync(parent, { recursive: true });
    this.folder = mkdtempSync(join(parent, 'run-'));
    this.#closers.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Whether a sync reaches a disk here at all. */
  get hasDisk(): boolean {
    return statfsSync(this.folder).type !== TMPFS;
  }

  /** Has something done at the end, the last first. @returns does it now instead. */
  defer(close: () => Promise<void> | void): () => Promise<void> {
    this.#closers.push(close);
    return async () => {
      const index = this.#closers.indexOf(close);
      if (index === -1) return;
      this.#closers.splice(index, 1);
      await close();
    };
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a benchmark. Ctrl-C, SIGTERM and SIGHUP stop what it has started, too. */
export async function withSession(work: (session: Session) => Promise<void>): Promise<void> {
  const session = new Session();
  const stopping = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    // Under npm a Ctrl-C comes twice: from the terminal, and passed on by npm.
    if (stopping.signal.aborted) return;
    stopping.abort();
    console.error(`\n${signal}: stopping what was started`);
    void session.close().finally(() => process.exit(130));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    await work(session);
  } catch (error) {
    // What was under way fails as what it runs on is stopped.
    if (!stopping.signal.aborted) throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    await session.close();
  }
}
