/** Requests of operators to the group, and the checks before a request reaches the log. */
import {
  FormatError,
  TriremeError,
  expectInteger,
  expectList,
  expectObject,
  expectText,
} from '@trireme/domain';
import { asHttpUrl, formatAddress } from './addresses.js';
import { checkReplicaName, nameOfMember } from './member-ids.js';

/** One part of a membership change, as the Raft library takes it. */
export type MemberChange =
  | { readonly type: 'addVoter' | 'addLearner'; readonly id: string; readonly address?: string }
  | { readonly type: 'remove'; readonly id: string };

/** Maximum number of parts of one change: more than a group has members. */
const PARTS_MAX = 16;

/** The body of `POST /members`. */
export interface ChangeRequest {
  readonly change: readonly MemberChange[];
  /** Whether to make a change after which the group may lose its quorum. */
  readonly force: boolean;
}

/**
 * Parses `{"change":[{"type":"addLearner","id":"4","peerUrl":"http://...","url":"http://..."}]}`. Types are
 * `addLearner`, `addVoter` and `remove`; a member with a known address needs no URLs. `"force":true` makes a
 * change that the leader would refuse because too few voters answer, or because a new voter is not caught up.
 * @throws TriremeError `INVALID_REQUEST` naming what is wrong.
 */
export function parseMembershipChange(body: unknown): ChangeRequest {
  return parseRequest(() => {
    const { change, force = false } = expectObject(body, 'body');
    const parts = expectList(change, 'change');
    if (parts.length === 0 || parts.length > PARTS_MAX)
      throw new FormatError(`change must have 1 to ${PARTS_MAX} parts`);
    if (typeof force !== 'boolean') throw new FormatError('force must be true or false');
    return { change: parts.map(parsePart), force };
  });
}

/** Parses `{"to":"2"}`; null if the leader chooses its successor. @throws TriremeError `INVALID_REQUEST`. */
export function parseTransfer(body: unknown): string | null {
  return parseRequest(() => {
    const { to } = expectObject(body, 'body');
    return to === undefined || to === null ? null : expectText(to, 'to');
  });
}

/** Parses `{"keep":100}`; null for the replica's default. @throws TriremeError `INVALID_REQUEST`. */
export function parseSnapshot(body: unknown): number | null {
  return parseRequest(() => {
    const { keep } = expectObject(body, 'body');
    return keep === undefined || keep === null ? null : expectInteger(keep, 'keep');
  });
}

function parseRequest<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError)
      throw new TriremeError('INVALID_REQUEST', error.message, { cause: error });
    throw error;
  }
}

function parsePart(value: unknown): MemberChange {
  const part = expectObject(value, 'part');
  const id = expectText(part['id'], 'id');
  checkReplicaName(nameOfMember(id));
  const type = part['type'];
  if (type === 'remove') return { type, id };
  if (type !== 'addVoter' && type !== 'addLearner')
    throw new FormatError('type must be addVoter, addLearner or remove');
  if (part['peerUrl'] === undefined) return { type, id };
  const peerUrl = asHttpUrl(part['peerUrl'], 'peerUrl');
  return { type, id, address: formatAddress({ peerUrl, url: asHttpUrl(part['url'], 'url') }) };
}

/**
 * Refuses the removal of the leader itself: a removed leader could not report that the change is complete.
 * @throws TriremeError `BAD_MEMBERSHIP`
 */
export function refuseLeaderRemoval(change: readonly MemberChange[], leader: string): void {
  if (change.some(({ type, id }) => type === 'remove' && id === leader)) {
    throw new TriremeError(
      'BAD_MEMBERSHIP',
      `${leader} is the leader and cannot remove itself; transfer leadership first (POST /transfer)`,
    );
  }
}
