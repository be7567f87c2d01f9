/**
 * The rules of the replicated map: what a command does to it. Each client numbers its commands and has at most one
 * outstanding, so that a command that comes twice is answered as the first time and changes nothing (Ongaro's thesis,
 * 6.3).
 */
import type { Entry } from '#raft/core/types.js';

/** What a client may ask to be changed: set a key, or add to it. */
export type ChangeKind = 'put' | 'add';

export interface Command {
  readonly client: string;
  readonly sequence: number;
  readonly kind: ChangeKind;
  readonly key: string;
  readonly value: number;
}

interface Session {
  readonly sequence: number;
  readonly result: number;
}

/** All that a replica keeps, in one piece: what is written, is written together. */
export interface Book {
  /** Index of the last entry that is in it. */
  applied: number;
  /** Hash over every entry that went in and what came of it: equal books of equal index have it equal. */
  hash: number;
  readonly values: Map<string, number>;
  readonly sessions: Map<string, Session>;
}

/** The value of a key that was never written. */
export const ABSENT = 0;

export function emptyBook(): Book {
  return { applied: 0, hash: 0, values: new Map(), sessions: new Map() };
}

export function copyOf(book: Book): Book {
  return { ...book, values: new Map(book.values), sessions: new Map(book.sessions) };
}

export function encodeCommand({ client, sequence, kind, key, value }: Command): Buffer {
  return Buffer.from(JSON.stringify([client, sequence, kind, key, value]));
}

function decodeCommand(data: Uint8Array): Command {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const [client, sequence, kind, key, value] = JSON.parse(bytes.toString()) as [
    string,
    number,
    ChangeKind,
    string,
    number,
  ];
  return { client, sequence, kind, key, value };
}

/** What became of a command; `superseded` if a later one of the same client went before it. */
export type Outcome = { readonly type: 'result'; readonly result: number } | { readonly type: 'superseded' };

const NOTHING: Outcome = { type: 'result', result: ABSENT };

/** Puts one entry into the book. */
export function applyEntry(book: Book, entry: Entry): Outcome {
  const outcome = entry.kind === 'command' ? change(book, decodeCommand(entry.data)) : NOTHING;
  const result = outcome.type === 'result' ? outcome.result : -1;
  book.hash = mix(mix(mix(book.hash, entry.index), checksumOf(entry)), result);
  book.applied = entry.index;
  return outcome;
}

function change(book: Book, command: Command): Outcome {
  const { client, sequence, key, kind, value } = command;
  const last = book.sessions.get(client);
  if (last !== undefined && last.sequence === sequence) return { type: 'result', result: last.result };
  if (last !== undefined && last.sequence > sequence) return { type: 'superseded' };
  const before = book.values.get(key) ?? ABSENT;
  const result = kind === 'put' ? value : before + value;
  book.values.set(key, result);
  book.sessions.set(client, { sequence, result });
  return { type: 'result', result };
}

/** The record's own checksum, with which it begins. */
export function checksumOf({ record }: Entry): number {
  return ((record[0] ?? 0) << 24) | ((record[1] ?? 0) << 16) | ((record[2] ?? 0) << 8) | (record[3] ?? 0);
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) | 0;
}
