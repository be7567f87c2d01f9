/**
 * The rules of the replicated map: what a command does to it. Each client numbers its commands and has at most one
 * outstanding, so that a command that comes twice is answered as the first time and changes nothing (Ongaro's thesis,
 * 6.3).
 */
import type { Entry, LogBase } from '#raft/core/types.js';

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
  /** Hash over every entry that went in and what came of it. */
  hash: number;
  /** Sum of a hash of each value and session that is there: it can be made anew from them. */
  contents: number;
  /** The base of the snapshot that the book was last made of. */
  restored: LogBase | null;
  readonly values: Map<string, number>;
  readonly sessions: Map<string, Session>;
}

/** The value of a key that was never written. */
export const ABSENT = 0;

export function emptyBook(): Book {
  return { applied: 0, hash: 0, contents: 0, restored: null, values: new Map(), sessions: new Map() };
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
  const before = book.values.get(key);
  const result = kind === 'put' ? value : (before ?? ABSENT) + value;
  if (before !== undefined) book.contents -= hashOfValue(key, before);
  if (last !== undefined) book.contents -= hashOfSession(client, last);
  const session = { sequence, result };
  book.values.set(key, result);
  book.sessions.set(client, session);
  book.contents = (book.contents + hashOfValue(key, result) + hashOfSession(client, session)) | 0;
  return { type: 'result', result };
}

/** The record's own checksum, with which it begins. */
export function checksumOf({ record }: Entry): number {
  return ((record[0] ?? 0) << 24) | ((record[1] ?? 0) << 16) | ((record[2] ?? 0) << 8) | (record[3] ?? 0);
}

/** What books of equal index have equal: what went in, and what is there. */
export function hashOf({ hash, contents }: Book): number {
  return mix(hash, contents);
}

/** The book with its `contents` made anew from what is there. */
export function withContents(book: Book): Book {
  let contents = 0;
  for (const [key, value] of book.values) contents = (contents + hashOfValue(key, value)) | 0;
  for (const [client, session] of book.sessions) contents = (contents + hashOfSession(client, session)) | 0;
  return { ...book, contents };
}

function hashOfValue(key: string, value: number): number {
  return mix(hashOfText(key), value);
}

function hashOfSession(client: string, { sequence, result }: Session): number {
  return mix(mix(hashOfText(client), sequence), result);
}

function hashOfText(text: string): number {
  let hash = text.length;
  for (let at = 0; at < text.length; at += 1) hash = mix(hash, text.charCodeAt(at));
  return hash;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) | 0;
}
