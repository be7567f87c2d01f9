/**
 * Names of replicas and ids of members. A replica keeps its name; a member of the Raft group exists only as
 * long as its log. The id of a founder is its name. A replica that starts with an empty folder in an existing
 * group is a new member, with an incarnation appended to its name: `2` returns as `2.5f0c9a31`.
 *
 * This makes a lost log safe without further rules. A member that lost its log has lost its votes and its
 * acknowledgements, and must never be counted again as the member that gave them:
 *
 *  - A vote or acknowledgement of the old id cannot come from the new member: old messages still in flight
 *    carry the old id, and the new process refuses a peer that dials the old id.
 *  - Configurations that name the old id, in the replayed log or in a snapshot, do not name the new one: by
 *    them it is no voter and does not campaign, and members that use them do not count its vote.
 *  - It becomes a voter by a membership change that names the new id, as any new machine does (Raft thesis,
 *    4.1): it is added as a learner, catches up, and replaces the old id in one joint change.
 *  - An interrupted change leaves the old id as a voter, the new one as a learner or a voter, or both. The
 *    same command, repeated, completes it. If the log is lost again meanwhile, the id is another one again,
 *    and all earlier ones are removed.
 */
import { FormatError } from '@trireme/domain';

/** Bytes of an incarnation: two random ones are equal with a probability of 1 in 4 billion. */
export const INCARNATION_BYTES = 4;
const MEMBER_ID = /^(.+)\.[0-9a-f]{8}$/;
const NAME = /^[A-Za-z0-9._-]{1,55}$/;

/** Creates an id that no member has had. @param incarnation `INCARNATION_BYTES` random bytes */
export function newMemberId(name: string, incarnation: Uint8Array): string {
  return `${name}.${Buffer.from(incarnation).toString('hex')}`;
}

/** Name of the replica that a member is, or was. */
export function nameOfMember(id: string): string {
  return MEMBER_ID.exec(id)?.[1] ?? id;
}

/** @throws FormatError if the name is invalid or looks like an id with an incarnation. */
export function checkReplicaName(name: string): void {
  if (NAME.test(name) && !MEMBER_ID.test(name)) return;
  throw new FormatError(
    `invalid replica name "${name}": use 1 to 55 characters of A-Z a-z 0-9 . _ -, such as 2`,
  );
}
