/**
 * Names of replicas and ids of members. A replica keeps its name for ever; the member of the Raft group that it is lives
 * only as long as its log. A founder's id is its name. One that begins with an empty folder in a group that is there
 * already is another member, with an incarnation behind its name: `2` comes back as `2.5f0c9a31`.
 *
 * That is what makes a lost log safe, without any rule of its own. A member that lost its log has lost its votes and
 * what it acknowledged, and must never again be counted as the one that gave them:
 *
 *  - No vote or acknowledgement of the old id can come from the new one, nor be taken for its own: old messages that are
 *    still on their way carry the old id, and a peer that dials the old id is refused by the new process.
 *  - Configurations that name the old id, in the log that is replayed to the new one or in a snapshot, do not name it: it
 *    is no voter by them, so it does not campaign; and whoever goes by them does not count its vote.
 *  - It becomes a voter by a change of the group that names the new id, as any machine does that was never there before
 *    (thesis 4.1): it is added as a learner, catches up, and takes the old id's place in one joint change.
 *  - A change that was interrupted leaves the old id as a voter, the new one as a learner or a voter, or both. Asked again
 *    the same words lead to the same end. If the log was lost once more meanwhile, the id is another one again, and those
 *    before it all go.
 */
import { FormatError } from '@trireme/domain';

/** Bytes of an incarnation: two of one replica's are equal once in four thousand million. */
export const INCARNATION_BYTES = 4;
const MEMBER_ID = /^(.+)\.[0-9a-f]{8}$/;
const NAME = /^[A-Za-z0-9._-]{1,55}$/;

/** An id that no member has had. @param incarnation `INCARNATION_BYTES` random bytes */
export function newMemberId(name: string, incarnation: Uint8Array): string {
  return `${name}.${Buffer.from(incarnation).toString('hex')}`;
}

/** The replica that a member is, or was. */
export function nameOfMember(id: string): string {
  return MEMBER_ID.exec(id)?.[1] ?? id;
}

/** @throws FormatError if a replica cannot have this name, because it is no name or looks like an id with an incarnation. */
export function checkReplicaName(name: string): void {
  if (NAME.test(name) && !MEMBER_ID.test(name)) return;
  throw new FormatError(
    `"${name}" is no name of a replica: 1 to 55 characters of A-Z a-z 0-9 . _ -, such as 2`,
  );
}
