/** Short forms for messages and logs in tests, with defaults for the fields that do not matter. */
import { makeEntry } from '../entry.js';
import type { MembershipChange } from '../membership-change.js';
import type { Entry, Message, Term } from '../types.js';

export { makeBase } from '../../storage/conformance-tools.js';

type MessageOf<T extends Message['type']> = Extract<Message, { type: T }>;

const ENVELOPE = { from: 'a', to: 'b', term: 1 };

const BLANKS: { readonly [T in Message['type']]: MessageOf<T> } = {
  preVoteRequest: {
    ...ENVELOPE,
    type: 'preVoteRequest',
    lastIndex: 0,
    lastTerm: 0,
    commit: 0,
    commitTerm: 0,
  },
  preVoteResponse: { ...ENVELOPE, type: 'preVoteResponse', granted: true, commit: 0, commitTerm: 0 },
  voteRequest: { ...ENVELOPE, type: 'voteRequest', lastIndex: 0, lastTerm: 0, transfer: false },
  voteResponse: { ...ENVELOPE, type: 'voteResponse', granted: true },
  appendRequest: { ...ENVELOPE, type: 'appendRequest', prevIndex: 0, prevTerm: 0, commit: 0, entries: [] },
  appendAccepted: { ...ENVELOPE, type: 'appendAccepted', match: 0 },
  appendRejected: { ...ENVELOPE, type: 'appendRejected', prevIndex: 0, hintIndex: 0, hintTerm: 0 },
  heartbeat: { ...ENVELOPE, type: 'heartbeat', commit: 0, round: 0 },
  heartbeatResponse: { ...ENVELOPE, type: 'heartbeatResponse', round: 0, commit: 0 },
  timeoutNow: { ...ENVELOPE, type: 'timeoutNow' },
  readRequest: { ...ENVELOPE, type: 'readRequest', request: 1 },
  readResponse: { ...ENVELOPE, type: 'readResponse', request: 1, index: 0 },
};

/** A message from a to b in term 1, with the given fields replaced. */
export function message<T extends Message['type']>(type: T, fields: Partial<MessageOf<T>> = {}): Message {
  return { ...BLANKS[type], ...fields, type };
}

/** The messages of one type. */
export function messagesOfType<T extends Message['type']>(
  type: T,
  messages: readonly Message[],
): MessageOf<T>[] {
  return messages.filter((one): one is MessageOf<T> => one.type === type);
}

/** An entry at (index, term); equal positions have equal bytes. */
export function makeCommandEntry(index: number, term: Term): Entry {
  return makeEntry(index, term, 'command', Buffer.from(`${index} of term ${term}`));
}

/** Parses a membership change: `+d` adds a voter, `?d` adds a learner, `-d` removes. */
export function parseChange(text: string): MembershipChange {
  return text.split(' ').map((part) => {
    const id = part.slice(1);
    if (part.startsWith('-')) return { type: 'remove', id };
    return { type: part.startsWith('+') ? 'addVoter' : 'addLearner', id };
  });
}

/** A log given by the terms of its entries, starting at index `first`: `makeLog([1, 1, 4])`. */
export function makeLog(terms: readonly Term[], first = 1): Entry[] {
  return terms.map((term, offset) => makeCommandEntry(first + offset, term));
}
