/**
 * Where a replica's book lies. A book that came as a snapshot lies beside the one before until a file, `book.current`,
 * names it: that file is replaced in one step, so that a crash leaves the one or the other, whole. What no one names is
 * left of an interrupted snapshot, or of a book that was replaced, and is removed at the next start.
 */
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError } from '@trireme/raft';
import { syncFolder, writeDurably } from '@trireme/service';

/** The book of a replica that was never restored. */
const FIRST = 'book';
const POINTER = 'book.current';
const NAME = /^book(-\d+)?$/;
const OURS = /^book(-\d+|\.current\.new)?$/;

export class BookFolder {
  readonly #data: string;
  #last = 0;

  private constructor(data: string) {
    this.#data = data;
  }

  /**
   * Finds the book in a replica's data folder, and removes what is left of others.
   * @throws RaftError `LOG_DAMAGED` if the book that is named is not there, or what names it makes no sense.
   */
  static async open(data: string): Promise<{ readonly folder: BookFolder; readonly path: string }> {
    const folder = new BookFolder(data);
    const name = await currentBook(data);
    const names = await readdir(data).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const other of names) {
      if (OURS.test(other) && other !== name) await rm(join(data, other), { recursive: true, force: true });
    }
    folder.#last = numberOf(name);
    return { folder, path: join(data, name) };
  }

  /** A place for a book that is to come; no other was ever there in this process's life. */
  next(): string {
    this.#last += 1;
    return join(this.#data, `${FIRST}-${this.#last}`);
  }

  /** Makes the book at `path`, which `next` gave, the one; durably. */
  async pointTo(path: string): Promise<void> {
    const name = path.slice(this.#data.length + 1);
    const pointer = join(this.#data, POINTER);
    await syncFolder(path);
    // The name of the new book must be durable before it is named.
    await syncFolder(this.#data);
    await writeDurably(pointer, `${name}\n`);
  }
}

/**
 * Name of the book's folder in a replica's data folder.
 * @throws RaftError `LOG_DAMAGED` if the book that is named is not there, or what names it makes no sense.
 */
export async function currentBook(data: string): Promise<string> {
  const path = join(data, POINTER);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return FIRST;
    throw error;
  }
  const name = text.replace(/\n$/, '');
  if (!NAME.test(name) || !text.endsWith('\n')) throw damaged(`${path} names no book`);
  const isThere = await stat(join(data, name, 'CURRENT')).then(
    () => true,
    () => false,
  );
  if (!isThere) throw damaged(`${path} names ${name}, which is not there`);
  return name;
}

function numberOf(name: string): number {
  return name === FIRST ? 0 : Number(name.slice(FIRST.length + 1));
}

function damaged(what: string): RaftError {
  return new RaftError('LOG_DAMAGED', what);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
