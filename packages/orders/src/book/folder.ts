/**
 * Locates a replica's order book. A book that arrives as a snapshot is written beside the current one. The
 * file `book.current` names the current book and is replaced atomically, so a crash leaves one whole book or
 * the other. Folders that the file does not name are left over from an interrupted snapshot or a replaced
 * book; the next start removes them.
 */
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftError } from '@trireme/raft';
import { syncFolder, writeDurably } from '@trireme/service';

/** Folder of the book of a replica that never installed a snapshot. */
export const FIRST_BOOK = 'book';
const POINTER = 'book.current';
const NAME = /^book(-\d+)?$/;
const BOOK_FILES = /^book(-\d+|\.current\.new)?$/;

export class BookFolder {
  readonly #data: string;
  #last = 0;

  private constructor(data: string) {
    this.#data = data;
  }

  /**
   * Finds the current book in a replica's data folder and removes leftovers of other books.
   * @throws RaftError `LOG_DAMAGED` if `book.current` is malformed or names a book that does not exist.
   */
  static async open(data: string): Promise<{ readonly folder: BookFolder; readonly path: string }> {
    const folder = new BookFolder(data);
    const name = await currentBookName(data);
    const names = await readdir(data).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const other of names) {
      if (BOOK_FILES.test(other) && other !== name)
        await rm(join(data, other), { recursive: true, force: true });
    }
    folder.#last = numberOf(name);
    return { folder, path: join(data, name) };
  }

  /** Path for a new book; never one that this process has used before. */
  newPath(): string {
    this.#last += 1;
    return join(this.#data, `${FIRST_BOOK}-${this.#last}`);
  }

  /** Makes the book at `path`, a path from `next`, the current one; durably. */
  async pointTo(path: string): Promise<void> {
    const name = path.slice(this.#data.length + 1);
    const pointer = join(this.#data, POINTER);
    await syncFolder(path);
    // The folder of the new book must be durable before the pointer names it.
    await syncFolder(this.#data);
    await writeDurably(pointer, `${name}\n`);
  }
}

/**
 * Name of the current book's folder within a replica's data folder.
 * @throws RaftError `LOG_DAMAGED` if `book.current` is malformed or names a book that does not exist.
 */
export async function currentBookName(data: string): Promise<string> {
  const path = join(data, POINTER);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return FIRST_BOOK;
    throw error;
  }
  const name = text.replace(/\n$/, '');
  if (!NAME.test(name) || !text.endsWith('\n')) throw damaged(`${path} does not name an order book`);
  const isThere = await stat(join(data, name, 'CURRENT')).then(
    () => true,
    () => false,
  );
  if (!isThere) throw damaged(`${path} names ${name}, which does not exist`);
  return name;
}

function numberOf(name: string): number {
  return name === FIRST_BOOK ? 0 : Number(name.slice(FIRST_BOOK.length + 1));
}

function damaged(what: string): RaftError {
  return new RaftError('LOG_DAMAGED', what);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
