/** One run of a benchmark: its folder on disk, and the clean-up of everything that it has started. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of `bench/`, without a trailing slash. */
export const BENCH_ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** File system type of tmpfs in statfs(2); syncs cost nothing there. */
const TMPFS = 0x01021994;

export class BenchSession {
  /** Folder for the data of all systems under test, so that they share one disk. */
  readonly folder: string;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor() {
    const parent = join(BENCH_ROOT, 'data');
    mkdirSync(parent, { recursive: true });
    this.folder = mkdtempSync(join(parent, 'run-'));
    this.#closers.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Whether the folder is on a disk, not on tmpfs. */
  get hasDisk(): boolean {
    return statfsSync(this.folder).type !== TMPFS;
  }

  /**
   * Registers a clean-up; the last registered one runs first.
   * @returns a function that runs it now instead of at the end.
   */
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

/** Runs a benchmark and its clean-ups, also on Ctrl-C, SIGTERM and SIGHUP. */
export async function runInSession(work: (session: BenchSession) => Promise<void>): Promise<void> {
  const session = new BenchSession();
  const stopping = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    // Under npm a Ctrl-C arrives twice: from the terminal and from npm.
    if (stopping.signal.aborted) return;
    stopping.abort();
    console.error(`\n${signal}: stopping the started processes`);
    void session.close().finally(() => process.exit(130));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    await work(session);
  } catch (error) {
    // After an interrupt the work fails because its processes are stopped.
    if (!stopping.signal.aborted) throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    await session.close();
  }
}
