/** Formats messages and members for golden scenarios. A position in the log is written `index@term`. */
import { describeMembership } from '../../membership.js';
import type { Entry, Message } from '../../types.js';
import type { TestMember } from '../test-member.js';

/** Formats a message as one line. */
export function formatMessage(message: Message): string {
  const { from, to, type, term } = message;
  return `${from}->${to} ${type} term ${term}${fieldsOf(message)}`;
}

function fieldsOf(message: Message): string {
  switch (message.type) {
    case 'preVoteRequest':
    case 'voteRequest': {
      const { lastIndex, lastTerm } = message;
      return `, log ends at ${lastIndex}@${lastTerm}${message.type === 'voteRequest' && message.transfer ? ', transfer' : ''}`;
    }
    case 'preVoteResponse':
    case 'voteResponse':
      return message.granted ? ', granted' : ', rejected';
    case 'appendRequest': {
      const { prevIndex, prevTerm, entries, commit } = message;
      return `, after ${prevIndex}@${prevTerm}: ${tellEntries(entries)}, commit ${commit}`;
    }
    case 'appendAccepted':
      return `, match ${message.match}`;
    case 'appendRejected':
      return `, no match at ${message.prevIndex}, hint ${message.hintIndex}@${message.hintTerm}`;
    case 'heartbeat':
      return `, commit ${message.commit}, round ${message.round}`;
    case 'heartbeatResponse':
      return `, round ${message.round}`;
    case 'readResponse':
      return `, index ${message.index}`;
    case 'readRequest':
    case 'timeoutNow':
      return '';
  }
}

function tellEntries(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'no entries' : entries.map(({ index, term }) => `${index}@${term}`).join(' ');
}

/** The visible state of a member: a text for each part of it. */
export function formatMember(member: TestMember): ReadonlyMap<string, string> {
  const { core, disk, persisting } = member;
  const { base, commit } = core.log;
  const { vote, term } = disk.hardState;
  const compacted = base.index === 0 ? '' : `(..${base.index}@${base.term}) `;
  return new Map([
    ['role', tellRole(member)],
    ['vote', vote === null ? '' : `vote of term ${term} on disk: ${vote}`],
    ['log', `log ${compacted}${member.terms.length === 0 ? 'empty' : member.terms.join(' ')}`],
    ['commit', `commits up to ${commit}`],
    ['members', `uses configuration ${describeMembership(core.log.memberships.current)}`],
    ['disk', persisting === null ? '' : tellWrite(persisting)],
  ]);
}

function tellRole({ core }: TestMember): string {
  const { role, term, leader } = core;
  switch (role) {
    case 'follower':
      return leader === null ? `follows no one in term ${term}` : `follows ${leader} in term ${term}`;
    case 'preCandidate':
      return `is a pre-candidate for term ${term + 1}`;
    case 'candidate':
      return `is a candidate in term ${term}`;
    case 'leader':
      return `leads term ${term}`;
  }
}

function tellWrite({ hardState, entries }: NonNullable<TestMember['persisting']>): string {
  const state = hardState === null ? '' : `term ${hardState.term}, vote ${hardState.vote ?? 'none'}; `;
  const written = entries.length === 0 ? 'no entries' : `entries ${tellEntries(entries)}`;
  return `waits for its disk: ${state}${written}`;
}
