/** Messages and members in words, as golden scenarios show them. A place in the log is `index@term`. */
import { describeMembership } from '../../membership.js';
import type { Entry, Message } from '../../types.js';
import type { Member } from '../member.js';

/** One message in one line. */
export function tellMessage(message: Message): string {
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
      return message.granted ? ', yes' : ', no';
    case 'appendRequest': {
      const { prevIndex, prevTerm, entries, commit } = message;
      return `, behind ${prevIndex}@${prevTerm}: ${tellEntries(entries)}, commit ${commit}`;
    }
    case 'appendAccepted':
      return `, match ${message.match}`;
    case 'appendRejected':
      return `, not behind ${message.prevIndex}; could agree at ${message.hintIndex}@${message.hintTerm}`;
    case 'heartbeat':
      return `, commit ${message.commit}, round ${message.round}`;
    case 'heartbeatResponse':
      return `, round ${message.round}`;
    case 'readResponse':
      return `, at ${message.index}`;
    case 'readRequest':
    case 'timeoutNow':
      return '';
  }
}

function tellEntries(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'nothing' : entries.map(({ index, term }) => `${index}@${term}`).join(' ');
}

/** What can be seen of a member, each line under the name of what it is about. */
export function tellMember(member: Member): ReadonlyMap<string, string> {
  const { core, disk, persisting } = member;
  const { base, commit } = core.log;
  const { vote, term } = disk.hardState;
  const compacted = base.index === 0 ? '' : `(..${base.index}@${base.term}) `;
  return new Map([
    ['standing', tellStanding(member)],
    ['vote', vote === null ? '' : `vote of term ${term} on disk: ${vote}`],
    ['log', `log ${compacted}${member.terms.length === 0 ? 'empty' : member.terms.join(' ')}`],
    ['commit', `commits up to ${commit}`],
    ['members', `goes by the group ${describeMembership(core.log.memberships.inForce)}`],
    ['disk', persisting === null ? '' : tellWrite(persisting)],
  ]);
}

function tellStanding({ core }: Member): string {
  const { role, term, leader } = core;
  switch (role) {
    case 'follower':
      return leader === null ? `follows no one in term ${term}` : `follows ${leader} in term ${term}`;
    case 'preCandidate':
      return `asks who would vote for it in term ${term + 1}`;
    case 'candidate':
      return `is a candidate in term ${term}`;
    case 'leader':
      return `leads term ${term}`;
  }
}

function tellWrite({ hardState, entries }: NonNullable<Member['persisting']>): string {
  const state = hardState === null ? '' : `term ${hardState.term}, vote ${hardState.vote ?? 'none'}; `;
  return `waits for its disk: ${state}entries ${tellEntries(entries)}`;
}
