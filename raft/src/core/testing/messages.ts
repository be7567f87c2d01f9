/** Messages and logs as tests write them: only what matters is named. */
import { makeEntry } from '../entry.js';
import type { MembershipChange } from '../membership-change.js';
import { NO_MEMBERS } from '../membership.js';
import type { Entry, LogBase, LogIndex, Message, Term } from '../types.js';

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

/** A message from a to b in term 1, but for the fields given. */
export function message<T extends Message['type']>(type: T, fields: Partial<MessageOf<T>> = {}): Message {
  return { ...BLANKS[type], ...fields, type };
}

/** The messages of one type, typed as such. */
export function only<T extends Message['type']>(type: T, messages: readonly Message[]): MessageOf<T>[] {
  return messages.filter((one): one is MessageOf<T> => one.type === type);
}

/** The entry that stands for (index, term): equal places hold equal bytes. */
export function entryAt(index: number, term: Term): Entry {
  return makeEntry(index, term, 'command', Buffer.from(`${index} of term ${term}`));
}

/** A membership change as tests write it: `+d` adds a voter, `?d` a learner, `-d` removes. */
export function changeOf(text: string): MembershipChange {
  return text.split(' ').map((part) => {
    const id = part.slice(1);
    if (part.startsWith('-')) return { type: 'remove', id };
    return { type: part.startsWith('+') ? 'addVoter' : 'addLearner', id };
  });
}

/** The base of a log whose entries up to there name no configuration. */
export function baseAt(index: LogIndex, term: Term): LogBase {
  return { index, term, membership: NO_MEMBERS };
}

/** A log written as the terms of its entries, the first one at `first`: `logOf([1, 1, 4])`. */
export function logOf(terms: readonly Term[], first = 1): Entry[] {
  return terms.map((term, offset) => entryAt(first + offset, term));
}
