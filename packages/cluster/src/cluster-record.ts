/** Keeps `cluster.json` true while the cluster runs: one write at a time, and what cannot be written is tried again. */
import { CLUSTER_FILE, writeClusterFile, type ClusterFile } from './cluster-file.js';

const RETRY_MS = 1_000;

export class ClusterRecord {
  readonly #dataDir: string;
  readonly #describe: () => ClusterFile;
  readonly #print: (line: string) => void;
  /** Counts changes; the file is true when it has the last one. */
  #changes = 0;
  #written = 0;
  #writing: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #hasFailed = false;

  /**
   * @param options.describe what the file is to say
   * @param options.print gets a line when the file cannot be written, and when it can be again
   */
  constructor(options: {
    readonly dataDir: string;
    readonly describe: () => ClusterFile;
    readonly print: (line: string) => void;
  }) {
    this.#dataDir = options.dataDir;
    this.#describe = options.describe;
    this.#print = options.print;
  }

  /** Writes what is the case now. @throws the system's error; then nothing is tried again. */
  async begin(): Promise<void> {
    await writeClusterFile(this.#dataDir, this.#describe());
  }

  /** Writes what is the case now; resolves when that is on disk, or could not be written: a full disk stops no cluster. */
  async update(): Promise<void> {
    this.#changes += 1;
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
    await this.#writing;
  }

  /** Resolves when no write is under way. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Tries once more what could not be written, and then no more. */
  async close(): Promise<void> {
    await this.#writing;
    if (this.#retry !== null) await this.update();
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  async #write(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    while (this.#written < this.#changes) {
      const change = this.#changes;
      try {
        await writeClusterFile(this.#dataDir, this.#describe());
      } catch (error) {
        this.#failed(error);
        return;
      }
      this.#written = change;
    }
    if (this.#hasFailed) this.#print(`!!! ${CLUSTER_FILE} is written again`);
    this.#hasFailed = false;
  }

  #failed(error: unknown): void {
    if (!this.#hasFailed) {
      const why = error instanceof Error ? error.message : String(error);
      this.#print(`!!! ${why}; it says what was the case before, and is tried again each second`);
    }
    this.#hasFailed = true;
    this.#retry = setTimeout(() => void this.update(), RETRY_MS);
  }
}
