/**
 * Tells a replica on a copy of a data folder from the one on the original: the life that the cluster had when it was noted, and
 * the folder that it was noted in. Original and copy go on by themselves, so that what was kept of one must match nothing of the
 * other: the copy's leader logs a new life.
 */
import { LineWriter, ownedLine, readOwned, type OwnedValue } from './line-file.js';

const LIFE_FILE = 'life';

export class LifeFile {
  readonly #data: string;
  readonly #writer: LineWriter;
  #noted: OwnedValue | null;

  private constructor(data: string, noted: OwnedValue | null, failed: (error: unknown) => void) {
    this.#data = data;
    this.#noted = noted;
    this.#writer = new LineWriter(data, LIFE_FILE, failed);
  }

  /** @param failed told if a life cannot be noted. @throws the system's error. */
  static async open(data: string, failed: (error: unknown) => void): Promise<LifeFile> {
    return new LifeFile(data, await readOwned(data, LIFE_FILE), failed);
  }

  /** Whether the cluster had this life in another folder, which this one is a copy of, or may be. */
  isOfOther(life: string): boolean {
    return this.#noted?.value === life && !this.#noted.isHere;
  }

  /** Notes a life that was not known yet. */
  note(life: string): void {
    if (life === this.#noted?.value) return;
    this.#noted = { value: life, isHere: true };
    this.#writer.write(ownedLine(this.#data, life));
  }

  /** Resolves once everything is noted, or has failed. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }
}
