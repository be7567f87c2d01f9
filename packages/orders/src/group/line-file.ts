/** Files of one line in a replica's data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderIdentity, writeDurably } from '@trireme/service';

/** Reads the line of a file; null if the file does not exist. @throws the system's error. */
export async function readLine(folder: string, name: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, name), 'utf8')).replace(/\n$/, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Writes lines to a file durably, one write at a time; the last line wins. */
export class LineWriter {
  readonly #folder: string;
  readonly #name: string;
  readonly #onError: (error: unknown) => void;
  #next: string | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** @param onError called if a line cannot be written */
  constructor(folder: string, name: string, onError: (error: unknown) => void) {
    this.#folder = folder;
    this.#name = name;
    this.#onError = onError;
  }

  write(line: string): void {
    this.#next = line;
    this.#writing = this.#writing.then(async () => this.#writeNext()).catch(this.#onError);
  }

  /** Resolves once all lines are written, or have failed. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeNext(): Promise<void> {
    const line = this.#next;
    this.#next = null;
    if (line !== null) await writeDurably(join(this.#folder, this.#name), `${line}\n`);
  }
}

/**
 * A value stored in a folder together with the identity of that folder, so that a copy of the folder is
 * detected.
 */
export interface FolderBoundValue {
  /** 16 hex digits. */
  readonly value: string;
  readonly belongsHere: boolean;
}

const OWNED_LINE = /^([0-9a-f]{16}) (\S+)$/;

/** Reads a line of `formatOwnedLine`; null if there is none or it is malformed. @throws the system's error. */
export async function readOwnedLine(folder: string, name: string): Promise<FolderBoundValue | null> {
  const [, value, owner] = OWNED_LINE.exec((await readLine(folder, name)) ?? '') ?? [];
  return value === undefined ? null : { value, belongsHere: owner === folderIdentity(folder) };
}

/** The line that stores `value` for `folder`: the value and the folder's identity. */
export function formatOwnedLine(folder: string, value: string): string {
  return `${value} ${folderIdentity(folder)}`;
}
