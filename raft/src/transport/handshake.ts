/** The handshake between members: the headers of both sides, and the reasons for a refusal. */
import type { IncomingHttpHeaders } from 'node:http';
import { isNodeId } from '../core/membership.js';
import type { NodeId } from '../core/types.js';
import {
  accessHeaders,
  checkAccess,
  versionHeaders,
  type AccessRefusal,
  type ClusterCredentials,
  type FrameRefusal,
  type HandshakeProtocol,
} from '../frames/index.js';
import { presentHeaders } from '../frames/handshake.js';
import { parsePeerUrl } from './unknown-peers.js';

/** The version of the protocol. In 12, configurations may name the version that the group has switched to. */
const RAFT_PROTOCOL_VERSION = 12;

/** The version of the previous release, which members speak until the group has switched to the newest one. */
const PREVIOUS_VERSION = 11;

/** Path of the handshake on a member's peer port. */
export const RAFT_PATH = '/raft';

/** Path for posting snapshots, with the headers of a handshake. */
export const SNAPSHOT_PATH = '/raft/snapshot';

/** The handshake of a member's peer port. */
export const RAFT_PROTOCOL: HandshakeProtocol = {
  version: RAFT_PROTOCOL_VERSION,
  previous: PREVIOUS_VERSION,
  headers: {
    cluster: 'x-raft-cluster',
    version: 'x-raft-version',
    name: 'x-raft-from',
    secret: 'x-raft-secret',
  },
};

const HEADERS = { to: 'x-raft-to', url: 'x-raft-url', instance: 'x-raft-instance' } as const;

const INSTANCE = /^[\x21-\x7e]{1,64}$/;

/** The stable status of a refused handshake, in responses and events. */
export type RefusalStatus =
  | AccessRefusal['status']
  | 'ROUTE_NOT_FOUND'
  | 'WRONG_RECIPIENT'
  | 'DUPLICATE_MEMBER'
  | 'UNKNOWN_SENDER'
  | 'NOT_RUNNING';

export interface HandshakeRefusal extends FrameRefusal {
  readonly status: RefusalStatus;
}

/** What a member says about itself in a handshake, and the secret of its cluster. */
export interface MemberIdentity extends ClusterCredentials {
  /** Id of this member. */
  readonly id: NodeId;
  /**
   * Base URL of this member's peer port, for members that do not know it; they refuse this member without it.
   */
  readonly advertise?: string | undefined;
  /**
   * Distinguishes this member's process from another one that runs under the same id on a copy of its data: 1
   * to 64 printable ASCII characters that belong to the original data folder and are not copied with it. If
   * two processes of one id send different instances, one of them is refused. Not checked if it is not set.
   */
  readonly instance?: string | undefined;
}

/** The request headers of a handshake with `to`, in one of the versions that this member speaks. */
export function handshakeHeaders(
  self: MemberIdentity,
  to: NodeId,
  version: number = RAFT_PROTOCOL.version,
): Record<string, string> {
  return {
    ...accessHeaders(RAFT_PROTOCOL, self.id, self, version),
    ...presentHeaders({ [HEADERS.to]: to, [HEADERS.url]: self.advertise }),
    ...instanceHeader(self),
  };
}

/** The response headers of a handshake. */
export function responseHeaders(self: MemberIdentity): Record<string, string> {
  return { ...versionHeaders(RAFT_PROTOCOL), ...instanceHeader(self) };
}

function instanceHeader({ instance }: MemberIdentity): Record<string, string> {
  return presentHeaders({ [HEADERS.instance]: instance });
}

/** The instance in the headers of a handshake or of its response; null if there is none. */
export function claimedInstance(headers: IncomingHttpHeaders): string | null {
  const instance = headers[HEADERS.instance];
  return typeof instance === 'string' && INSTANCE.test(instance) ? instance : null;
}

/**
 * Refuses a process that claims to be `peer` while a process with another instance answers at the address of
 * `peer`: one of the two runs on a copy of the data. The one at the address is accepted, because all messages
 * to the member go there.
 */
export function checkInstance(
  peer: NodeId,
  headers: IncomingHttpHeaders,
  answering: { readonly instance: string | null; readonly url: string },
): HandshakeRefusal | null {
  const claimed = claimedInstance(headers);
  if (claimed === null || answering.instance === null || claimed === answering.instance) return null;
  const claimedUrl = claimedSenderUrl(headers) ?? 'an unknown address';
  return makeRefusal(
    409,
    'DUPLICATE_MEMBER',
    `two processes claim to be member ${peer}: the one at ${answering.url}, the address that this member uses for it, and ` +
      `the one that is connecting, at ${claimedUrl}; they use different data folders. Stop the process that runs on the ` +
      `copy. If the member has moved, stop the process at the old address and give every member the new address`,
  );
}

/** The sender that a handshake claims; trust it only after `checkHandshake` has returned null. */
export function claimedSender(headers: IncomingHttpHeaders): NodeId {
  return String(headers[RAFT_PROTOCOL.headers.name]);
}

/** The URL of the sender in a handshake; null if there is no valid one. */
export function claimedSenderUrl(headers: IncomingHttpHeaders): string | null {
  return parsePeerUrl(headers[HEADERS.url]);
}

/**
 * Returns why a member refuses a handshake, or null if it accepts it.
 * @param accepts whether a sender is accepted
 * @param versions the versions that this member speaks
 */
export function checkHandshake(
  self: MemberIdentity,
  accepts: (peer: NodeId) => boolean,
  headers: IncomingHttpHeaders,
  versions: readonly number[],
): HandshakeRefusal | null {
  const refused = checkAccess(RAFT_PROTOCOL, self, headers, versions);
  if (refused !== null) return refused;
  if (headers[HEADERS.to] !== self.id)
    return makeRefusal(421, 'WRONG_RECIPIENT', `this is member ${self.id}, not the requested member`);
  const from = claimedSender(headers);
  if (from === self.id || !isNodeId(from) || !accepts(from)) {
    return makeRefusal(403, 'UNKNOWN_SENDER', 'the sender is not another member of this cluster');
  }
  return null;
}

export function makeRefusal(httpStatus: number, status: RefusalStatus, message: string): HandshakeRefusal {
  return { httpStatus, status, message };
}
