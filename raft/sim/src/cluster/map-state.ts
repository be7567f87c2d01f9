/**
 * The rules of the replicated map. Each client numbers its commands and has at most one outstanding. A repeated
 * command gets the stored result and changes nothing (Ongaro's thesis, 6.3).
 */
import type { Entry, LogBase } from '@trireme/raft';

/** Kinds of changes: set a key, or add to its value. */
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

/** The complete state of a replica, which is written atomically. */
export interface MapState {
  /** Index of the last applied entry. */
  applied: number;
  /** Hash of all applied entries and their results. */
  hash: number;
  /** Sum of the hashes of all values and sessions, which can be recomputed from them. */
  contentsHash: number;
  /** The base of the snapshot that was installed last; null if none was. */
  restored: LogBase | null;
  readonly values: Map<string, number>;
  readonly sessions: Map<string, Session>;
}

/** Value of a key that was never written. */
export const DEFAULT_VALUE = 0;

export function emptyMapState(): MapState {
  return { applied: 0, hash: 0, contentsHash: 0, restored: null, values: new Map(), sessions: new Map() };
}

export function copyMapState(book: MapState): MapState {
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

/** Result of a command; `superseded` if a later command of the same client was applied before it. */
export type CommandResult =
  { readonly type: 'result'; readonly result: number } | { readonly type: 'superseded' };

const NOTHING: CommandResult = { type: 'result', result: DEFAULT_VALUE };

/** Applies one entry to the state. */
export function applyEntry(book: MapState, entry: Entry): CommandResult {
  const outcome = entry.kind === 'command' ? change(book, decodeCommand(entry.data)) : NOTHING;
  const result = outcome.type === 'result' ? outcome.result : -1;
  book.hash = mix(mix(mix(book.hash, entry.index), checksumOf(entry)), result);
  book.applied = entry.index;
  return outcome;
}

function change(book: MapState, command: Command): CommandResult {
  const { client, sequence, key, kind, value } = command;
  const last = book.sessions.get(client);
  if (last !== undefined && last.sequence === sequence) return { type: 'result', result: last.result };
  if (last !== undefined && last.sequence > sequence) return { type: 'superseded' };
  const before = book.values.get(key);
  const result = kind === 'put' ? value : (before ?? DEFAULT_VALUE) + value;
  if (before !== undefined) book.contentsHash -= hashOfValue(key, before);
  if (last !== undefined) book.contentsHash -= hashOfSession(client, last);
  const session = { sequence, result };
  book.values.set(key, result);
  book.sessions.set(client, session);
  book.contentsHash = (book.contentsHash + hashOfValue(key, result) + hashOfSession(client, session)) | 0;
  return { type: 'result', result };
}

/** The checksum at the start of the entry's record. */
export function checksumOf({ record }: Entry): number {
  return ((record[0] ?? 0) << 24) | ((record[1] ?? 0) << 16) | ((record[2] ?? 0) << 8) | (record[3] ?? 0);
}

/** Hash that is equal for replicas that applied the same index: of the applied entries and of the contents. */
export function hashOfMapState({ hash, contentsHash }: MapState): number {
  return mix(hash, contentsHash);
}

/** Returns the state with `contents` recomputed. */
export function withRecomputedContents(book: MapState): MapState {
  let contents = 0;
  for (const [key, value] of book.values) contents = (contents + hashOfValue(key, value)) | 0;
  for (const [client, session] of book.sessions) contents = (contents + hashOfSession(client, session)) | 0;
  return { ...book, contentsHash: contents };
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
