/**
 * Tells a replica on a copy of a data folder from the one on the original: the life that the cluster had when it was noted, and
 * the folder that it was noted in. Original and copy go on by themselves, so that what was kept of one must match nothing of the
 * other: the copy's leader logs a new life.
 */
import { join } from 'node:path';
import { folderIdentity, writeDurably } from '@trireme/service';
import { readLine } from './line-file.js';

/** Its line is `LIFE FOLDER`, with the folder as `folderIdentity` names it. */
const LIFE_FILE = 'life';
const LINE = /^([0-9a-f]{16}) (\S+)$/;

export class LifeFile {
  readonly #data: string;
  readonly #here: string;
  #life: string | null;
  #folder: string | null;
  /** One write at a time: the file that takes the place of the old one has one name. */
  #written: Promise<void> = Promise.resolve();

  private constructor(data: string, life: string | null, folder: string | null) {
    this.#data = data;
    this.#here = folderIdentity(data);
    this.#life = life;
    this.#folder = folder;
  }

  /** @throws the system's error. */
  static async open(data: string): Promise<LifeFile> {
    const [, life = null, folder = null] = LINE.exec((await readLine(data, LIFE_FILE)) ?? '') ?? [];
    return new LifeFile(data, life, folder);
  }

  /** Whether the cluster had this life in another folder, which this one is a copy of, or may be. */
  isOfOther(life: string): boolean {
    return this.#life === life && this.#folder !== this.#here;
  }

  /** Notes a life that was not known yet. Resolves once it is durable. @throws the system's error. */
  async note(life: string): Promise<void> {
    if (life !== this.#life) {
      this.#life = life;
      this.#folder = this.#here;
      const line = `${life} ${this.#here}\n`;
      this.#written = this.#written.then(async () => writeDurably(join(this.#data, LIFE_FILE), line));
    }
    await this.#written;
  }
}
