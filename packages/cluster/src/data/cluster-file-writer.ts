/** Keeps `cluster.json` up to date while the cluster runs: one write at a time, with retries after failures. */
import { CLUSTER_FILE, writeClusterFile, type ClusterFile } from './cluster-file.js';

const RETRY_MS = 1_000;

export class ClusterFileWriter {
  readonly #dataDir: string;
  readonly #describe: () => ClusterFile;
  readonly #print: (line: string) => void;
  /** Number of changes; the file is up to date when `#written` equals it. */
  #changes = 0;
  #written = 0;
  #writing: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #hasFailed = false;

  /**
   * @param options.describe the present contents of the file
   * @param options.print receives a line when the file cannot be written, and when it can be written again
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

  /** Writes the file. @throws the system's error; then it does not retry. */
  async writeFirst(): Promise<void> {
    await writeClusterFile(this.#dataDir, this.#describe());
  }

  /** Writes the file; resolves once it is on disk or the write has failed. A full disk does not stop the cluster. */
  async update(): Promise<void> {
    this.#changes += 1;
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
    await this.#writing;
  }

  /** Resolves when no write is under way. */
  async awaitWrite(): Promise<void> {
    await this.#writing;
  }

  /** Retries a failed write a last time. */
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
        this.#onFailure(error);
        return;
      }
      this.#written = change;
    }
    if (this.#hasFailed) this.#print(`!!! ${CLUSTER_FILE} is up to date again`);
    this.#hasFailed = false;
  }

  #onFailure(error: unknown): void {
    if (!this.#hasFailed) {
      const why = error instanceof Error ? error.message : String(error);
      this.#print(`!!! ${why}; the file is out of date, retrying every second`);
    }
    this.#hasFailed = true;
    this.#retry = setTimeout(() => void this.update(), RETRY_MS);
  }
}
