/** What an operator asks of the group, and when it is refused before the log sees it. */
import { FormatError, TriremeError, asInteger, asList, asObject, asText } from '@trireme/domain';
import { asHttpUrl, formatAddress } from './addresses.js';
import { checkReplicaName, nameOfMember } from './member-ids.js';

/** One part of a change, as the Raft library takes it. */
export type MemberChange =
  | { readonly type: 'addVoter' | 'addLearner'; readonly id: string; readonly address?: string }
  | { readonly type: 'remove'; readonly id: string };

/** Parts of one change at most: more than a group has members. */
const PARTS_MAX = 16;
/** Entries that a new voter may lack at most: it has to have the rest before it can help to commit anything. */
const LAG_MAX = 10_000;

/** The leader's view that a change is judged by. */
export interface LeaderView {
  readonly self: string;
  readonly lastIndex: number;
  readonly voters: readonly string[];
  /** How far a member's log agrees with the leader's; null if it is none, or the leader. */
  readonly matchOf: (id: string) => number | null;
}

/**
 * Reads `{"change":[{"type":"addLearner","id":"4","peerUrl":"http://...","url":"http://..."}]}`; types are `addLearner`,
 * `addVoter` and `remove`, and a member whose address is known needs no urls.
 * @throws TriremeError `INVALID_REQUEST` naming what is wrong.
 */
export function parseChange(body: unknown): MemberChange[] {
  return asked(() => {
    const parts = asList(asObject(body, 'body')['change'], 'change');
    if (parts.length === 0 || parts.length > PARTS_MAX)
      throw new FormatError(`change has not 1 to ${PARTS_MAX} parts`);
    return parts.map(parsePart);
  });
}

/** Reads `{"to":"2"}`; null where the leader is to choose. @throws TriremeError `INVALID_REQUEST`. */
export function parseTransfer(body: unknown): string | null {
  return asked(() => {
    const { to } = asObject(body, 'body');
    return to === undefined || to === null ? null : asText(to, 'to');
  });
}

/** Reads `{"keep":100}`; null where the replica is to keep what it always does. @throws TriremeError `INVALID_REQUEST`. */
export function parseSnapshot(body: unknown): number | null {
  return asked(() => {
    const { keep } = asObject(body, 'body');
    return keep === undefined || keep === null ? null : asInteger(keep, 'keep');
  });
}

function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError)
      throw new TriremeError('INVALID_REQUEST', error.message, { cause: error });
    throw error;
  }
}

function parsePart(value: unknown): MemberChange {
  const part = asObject(value, 'part');
  const id = asText(part['id'], 'id');
  checkReplicaName(nameOfMember(id));
  const type = part['type'];
  if (type === 'remove') return { type, id };
  if (type !== 'addVoter' && type !== 'addLearner')
    throw new FormatError('type is not addVoter, addLearner or remove');
  if (part['peerUrl'] === undefined) return { type, id };
  const peerUrl = asHttpUrl(part['peerUrl'], 'peerUrl');
  return { type, id, address: formatAddress({ peerUrl, url: asHttpUrl(part['url'], 'url') }) };
}

/**
 * Refuses what Raft would do and an operator would regret: a voter that has to be sent the log first, during which the
 * group may be unable to commit (thesis 4.2.1), and the removal of the leader that is asked to do it, which could not say
 * when it is done.
 * @throws TriremeError `BAD_MEMBERSHIP`
 */
export function checkChange(change: readonly MemberChange[], view: LeaderView): void {
  for (const { type, id } of change) {
    if (type === 'remove' && id === view.self) {
      throw new TriremeError('BAD_MEMBERSHIP', `${id} leads: hand leadership over first (POST /transfer)`);
    }
    if (type !== 'addVoter' || id === view.self || view.voters.includes(id)) continue;
    const match = view.matchOf(id);
    if (match === null) throw new TriremeError('BAD_MEMBERSHIP', `${id} is no learner: add it as one first`);
    if (view.lastIndex - match > LAG_MAX) {
      throw new TriremeError(
        'BAD_MEMBERSHIP',
        `${id} lacks ${view.lastIndex - match} entries: wait until it has caught up`,
      );
    }
  }
}
