/**
 * Encodes messages between members as MessagePack lists: `[type, from, to, term, ...]`. An entry is sent as
 * its record, which has its own checksum. Input is not trusted: a message that passes `decodeMessage` is
 * well-formed and consistent with Raft's rules about the sender's log.
 */
import { Packr } from 'msgpackr';
import { APPEND_ENTRIES_MAX } from '../core/config.js';
import { readEntry } from '../core/entry.js';
import { isNodeId } from '../core/membership.js';
import type { Entry, LogIndex, Message, NodeId, Term } from '../core/types.js';

/** Thrown for bytes that are not a valid message; the link that received them is closed. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  readonly code = 'BAD_MESSAGE';
}

/** The position of a type in this list is its number on the wire: append new types, never reorder. */
const TYPES = [
  'preVoteRequest',
  'preVoteResponse',
  'voteRequest',
  'voteResponse',
  'appendRequest',
  'appendAccepted',
  'appendRejected',
  'heartbeat',
  'heartbeatResponse',
  'timeoutNow',
  'readRequest',
  'readResponse',
] as const satisfies readonly Message['type'][];

const CODES: ReadonlyMap<Message['type'], number> = new Map(TYPES.map((type, code) => [type, code]));

const packr = new Packr({ useRecords: false, int64AsType: 'bigint' });

/** First byte of a frame with the sender's wall clock, unused by MessagePack. A 64-bit float follows. */
const CLOCK_TAG = 0xc1;
const CLOCK_BYTES = 9;

/** Encodes a frame with the sender's wall clock. It is not a Raft message; the core never receives it. */
export function encodeClock(wallMs: number): Buffer {
  const frame = Buffer.alloc(CLOCK_BYTES, CLOCK_TAG);
  frame.writeDoubleBE(wallMs, 1);
  return frame;
}

/** The wall clock in a clock frame (any number), or null for other frames. */
export function decodeClock(payload: Buffer): number | null {
  return payload[0] === CLOCK_TAG && payload.length === CLOCK_BYTES ? payload.readDoubleBE(1) : null;
}

/** Encodes a message; the returned bytes are never modified afterwards. */
export function encodeMessage(message: Message): Buffer {
  const { type, from, to, term } = message;
  return packr.pack([CODES.get(type), from, to, term, ...fieldsOf(message)]);
}

function fieldsOf(message: Message): readonly unknown[] {
  switch (message.type) {
    case 'preVoteRequest':
      return [message.lastIndex, message.lastTerm, message.commit, message.commitTerm];
    case 'voteRequest':
      return [message.lastIndex, message.lastTerm, message.transfer];
    case 'preVoteResponse':
      return [message.granted, message.commit, message.commitTerm];
    case 'voteResponse':
      return [message.granted];
    case 'appendRequest': {
      const { prevIndex, prevTerm, commit, entries } = message;
      return [prevIndex, prevTerm, commit, entries.map((entry) => entry.record)];
    }
    case 'appendAccepted':
      return [message.match];
    case 'appendRejected':
      return [message.prevIndex, message.hintIndex, message.hintTerm];
    case 'heartbeat':
      return [message.commit, message.round];
    case 'heartbeatResponse':
      return [message.round, message.commit];
    case 'readRequest':
      return [message.request];
    case 'readResponse':
      return [message.request, message.index];
    case 'timeoutNow':
      return [];
  }
}

/**
 * Decodes a message from a frame.
 * @throws MessageError if the frame is not a well-formed message, or the checksum of an entry does not match.
 */
export function decodeMessage(payload: Buffer): Message {
  const fields = new Fields(unpack(payload));
  const type = TYPES[fields.whole('type')];
  if (type === undefined) throw new MessageError('unknown message type');
  const envelope = { from: fields.id('from'), to: fields.id('to'), term: fields.whole('term') };
  const message = body(type, envelope, fields, payload);
  fields.end();
  return message;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

function body(type: Message['type'], envelope: Envelope, fields: Fields, payload: Buffer): Message {
  switch (type) {
    case 'preVoteRequest':
      return { type, ...envelope, ...lastEntry(fields, envelope.term), ...committed(fields, envelope.term) };
    case 'voteRequest':
      return { type, ...envelope, ...lastEntry(fields, envelope.term), transfer: fields.flag('transfer') };
    case 'preVoteResponse': {
      const granted = fields.flag('granted');
      return { type, ...envelope, granted, ...committed(fields, envelope.term) };
    }
    case 'voteResponse':
      return { type, ...envelope, granted: fields.flag('granted') };
    case 'appendRequest': {
      const prevIndex = fields.whole('prevIndex');
      const prevTerm = fields.term('prevTerm', envelope.term);
      const commit = fields.whole('commit');
      const records = fields.list('entries', APPEND_ENTRIES_MAX);
      const entries = readEntries(records, prevIndex, prevTerm, envelope.term, payload);
      return { type, ...envelope, prevIndex, prevTerm, commit, entries };
    }
    case 'appendAccepted':
      return { type, ...envelope, match: fields.whole('match') };
    case 'appendRejected': {
      const prevIndex = fields.whole('prevIndex');
      const hintIndex = fields.whole('hintIndex');
      // A member that rejects an append has adopted the leader's term, so its log has no higher one.
      return { type, ...envelope, prevIndex, hintIndex, hintTerm: fields.term('hintTerm', envelope.term) };
    }
    case 'heartbeat':
      return { type, ...envelope, commit: fields.whole('commit'), round: fields.whole('round') };
    case 'heartbeatResponse':
      return { type, ...envelope, round: fields.whole('round'), commit: fields.whole('commit') };
    case 'readRequest':
      return { type, ...envelope, request: fields.whole('request') };
    case 'readResponse':
      return { type, ...envelope, request: fields.whole('request'), index: fields.whole('index') };
    case 'timeoutNow':
      return { type, ...envelope };
  }
}

function lastEntry(fields: Fields, term: Term): { readonly lastIndex: LogIndex; readonly lastTerm: Term } {
  return { lastIndex: fields.whole('lastIndex'), lastTerm: fields.term('lastTerm', term) };
}

/** The last index that the sender knows to be committed. */
function committed(fields: Fields, term: Term): { readonly commit: LogIndex; readonly commitTerm: Term } {
  return { commit: fields.whole('commit'), commitTerm: fields.term('commitTerm', term) };
}

/**
 * Decodes the entries of an append: contiguous after `prevIndex`, with non-decreasing terms up to the
 * leader's.
 */
function readEntries(
  records: readonly unknown[],
  prevIndex: LogIndex,
  prevTerm: Term,
  leaderTerm: Term,
  payload: Buffer,
): readonly Entry[] {
  let lastTerm = prevTerm;
  return detached(records, payload).map((record, position) => {
    const entry = checkedEntry(record);
    if (entry.index !== prevIndex + 1 + position) {
      throw new MessageError(`entry ${entry.index} does not follow ${prevIndex + position}`);
    }
    if (entry.term < lastTerm || entry.term < 1 || entry.term > leaderTerm) {
      throw new MessageError(
        `entry ${entry.index} has term ${entry.term}, outside ${lastTerm} to ${leaderTerm}`,
      );
    }
    lastTerm = entry.term;
    return entry;
  });
}

/**
 * Copies the records into their own buffer if they are only a small part of the socket's buffer: records may
 * stay in memory for a long time, and a view would keep the whole buffer alive, as a copy in Node's pool
 * would keep the pool.
 */
function detached(records: readonly unknown[], { buffer }: Buffer): readonly Uint8Array[] {
  let bytes = 0;
  for (const record of records) {
    if (!(record instanceof Uint8Array)) throw new MessageError('an entry is not bytes');
    bytes += record.byteLength;
  }
  const views = records as readonly Uint8Array[];
  if (bytes * 2 >= buffer.byteLength) return views;
  const own = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  return views.map((view) => {
    own.set(view, at);
    at += view.byteLength;
    return own.subarray(at - view.byteLength, at);
  });
}

/** Damage on the wire is not a damaged log: it must not have the error code that stops a member. */
function checkedEntry(record: Uint8Array): Entry {
  try {
    return readEntry(record);
  } catch (error) {
    throw new MessageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function unpack(payload: Buffer): readonly unknown[] {
  let value: unknown;
  try {
    value = packr.unpack(payload);
  } catch (error) {
    throw new MessageError('the frame is not MessagePack', { cause: error });
  }
  if (!Array.isArray(value)) throw new MessageError('the message is not a list');
  return value as readonly unknown[];
}

/** Reads the fields of a message one after another, and checks each. */
class Fields {
  readonly #values: readonly unknown[];
  #at = 0;

  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  whole(what: string): number {
    const value = this.#next();
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new MessageError(`${what} is not a whole number of at least 0`);
  }

  /** A term in the sender's log, which is never above the term of the message. */
  term(what: string, max: Term): Term {
    const term = this.whole(what);
    if (term > max) throw new MessageError(`${what} ${term} is above the message's term ${max}`);
    return term;
  }

  flag(what: string): boolean {
    const value = this.#next();
    if (typeof value !== 'boolean') throw new MessageError(`${what} is not a boolean`);
    return value;
  }

  id(what: string): NodeId {
    const value = this.#next();
    if (!isNodeId(value)) throw new MessageError(`${what} is not a valid member id`);
    return value;
  }

  list(what: string, lengthMax: number): readonly unknown[] {
    const value = this.#next();
    if (Array.isArray(value) && value.length <= lengthMax) return value as readonly unknown[];
    throw new MessageError(`${what} is not a list of at most ${lengthMax} items`);
  }

  /** @throws MessageError if there are more fields. */
  end(): void {
    if (this.#at !== this.#values.length)
      throw new MessageError('the message has the wrong number of fields');
  }

  #next(): unknown {
    return this.#values[this.#at++];
  }
}
