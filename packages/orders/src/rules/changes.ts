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

/** What `POST /members` asks for. */
export interface ChangeRequest {
  readonly change: readonly MemberChange[];
  /** Whether to make a change after which the group may be unable to decide anything. */
  readonly force: boolean;
}

/**
 * Reads `{"change":[{"type":"addLearner","id":"4","peerUrl":"http://...","url":"http://..."}]}`; types are `addLearner`,
 * `addVoter` and `remove`, and a member whose address is known needs no urls. `"force":true` makes a change that the leader
 * would refuse because too few voters answer, or a new one does not have the log.
 * @throws TriremeError `INVALID_REQUEST` naming what is wrong.
 */
export function parseChange(body: unknown): ChangeRequest {
  return asked(() => {
    const { change, force = false } = asObject(body, 'body');
    const parts = asList(change, 'change');
    if (parts.length === 0 || parts.length > PARTS_MAX)
      throw new FormatError(`change has not 1 to ${PARTS_MAX} parts`);
    if (typeof force !== 'boolean') throw new FormatError('force is not true or false');
    return { change: parts.map(parsePart), force };
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
 * Refuses the removal of the leader that is asked to do it, which could not say when it is done.
 * @throws TriremeError `BAD_MEMBERSHIP`
 */
export function checkChange(change: readonly MemberChange[], leader: string): void {
  if (change.some(({ type, id }) => type === 'remove' && id === leader)) {
    throw new TriremeError('BAD_MEMBERSHIP', `${leader} leads: transfer leadership first (POST /transfer)`);
  }
}
