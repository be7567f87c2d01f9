/** Small files of one line in a replica's folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderIdentity, writeDurably } from '@trireme/service';

/** The line in a file, null if there is no such file. @throws the system's error. */
export async function readLine(folder: string, name: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, name), 'utf8')).replace(/\n$/, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Keeps the line that it was given last in a file, durably, one write at a time. */
export class LineWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #failed: (error: unknown) => void;
  #next: string | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** @param failed told if a line cannot be written */
  constructor(folder: string, name: string, failed: (error: unknown) => void) {
    this.#folder = folder;
    this.#name = name;
    this.#failed = failed;
  }

  write(line: string): void {
    this.#next = line;
    this.#writing = this.#writing.then(async () => this.#writeNext()).catch(this.#failed);
  }

  /** Resolves once what was given is in the file, or has failed. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeNext(): Promise<void> {
    const line = this.#next;
    this.#next = null;
    if (line !== null) await writeDurably(join(this.#folder, this.#name), `${line}\n`);
  }
}

/** A value that a folder keeps, and that counts in that very folder: in a copy it is another one's. */
export interface OwnedValue {
  /** 16 hex digits. */
  readonly value: string;
  readonly isHere: boolean;
}

const OWNED_LINE = /^([0-9a-f]{16}) (\S+)$/;

/** Reads a line of `ownedLine`; null if there is none, or it makes no sense. @throws the system's error. */
export async function readOwned(folder: string, name: string): Promise<OwnedValue | null> {
  const [, value, owner] = OWNED_LINE.exec((await readLine(folder, name)) ?? '') ?? [];
  return value === undefined ? null : { value, isHere: owner === folderIdentity(folder) };
}

/** A value as `folder` keeps it: with the folder behind it, as `folderIdentity` names it. */
export function ownedLine(folder: string, value: string): string {
  return `${value} ${folderIdentity(folder)}`;
}
