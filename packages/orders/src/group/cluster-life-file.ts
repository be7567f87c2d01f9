/**
 * Detects that a replica runs on a copy of a data folder. The file records the cluster's life (the random id
 * of one history of the cluster) and the folder in which it was noted. Original and copy diverge, so cached
 * values of one must not match the other: the leader on a copy logs a new life.
 */
import { join } from 'node:path';
import { writeDurably } from '@trireme/service';
import { LineWriter, formatOwnedLine, readOwnedLine, type FolderBoundValue } from './line-file.js';

const LIFE_FILE = 'life';
/** Stands for the folder of another cluster. */
const OTHER_FOLDER = 'another-cluster';

/**
 * Notes a life as that of another folder, so that the first leader on `data` logs a new one.
 * @throws the system's error.
 */
export async function recordForeignLife(data: string, life: string): Promise<void> {
  await writeDurably(join(data, LIFE_FILE), `${life} ${OTHER_FOLDER}\n`);
}

export class ClusterLifeFile {
  readonly #data: string;
  readonly #writer: LineWriter;
  #noted: FolderBoundValue | null;

  private constructor(data: string, noted: FolderBoundValue | null, onError: (error: unknown) => void) {
    this.#data = data;
    this.#noted = noted;
    this.#writer = new LineWriter(data, LIFE_FILE, onError);
  }

  /** @param onError called if a life cannot be written. @throws the system's error. */
  static async open(data: string, onError: (error: unknown) => void): Promise<ClusterLifeFile> {
    return new ClusterLifeFile(data, await readOwnedLine(data, LIFE_FILE), onError);
  }

  /** Whether this life was noted in another folder, of which this one is, or may be, a copy. */
  belongsToOtherFolder(life: string): boolean {
    return this.#noted?.value === life && !this.#noted.belongsHere;
  }

  /** Notes the cluster's life if it is new. */
  record(life: string): void {
    if (life === this.#noted?.value) return;
    this.#noted = { value: life, belongsHere: true };
    this.#writer.write(formatOwnedLine(this.#data, life));
  }

  /** Resolves once all writes have completed or failed. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }
}
