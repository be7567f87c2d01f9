/** The handshake between members: what the dialer says about itself, and why an acceptor refuses it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FrameRefusal, PeerCertificate } from '../frames/index.js';
import { isNodeId } from '../core/membership.js';
import type { NodeId } from '../core/types.js';
import { unknownPeerUrl } from './unknown-peers.js';

/** The version of the messages; a link between two versions is refused. */
const RAFT_PROTOCOL_VERSION = 10;

/** Path of the handshake on a member's peer port. */
export const RAFT_PATH = '/raft';

/** Path to which snapshots are posted, with the headers of a handshake. */
export const SNAPSHOT_PATH = '/raft/snapshot';

const HEADERS = {
  cluster: 'x-raft-cluster',
  version: 'x-raft-version',
  from: 'x-raft-from',
  to: 'x-raft-to',
  secret: 'x-raft-secret',
  url: 'x-raft-url',
  instance: 'x-raft-instance',
} as const;

const INSTANCE = /^[\x21-\x7e]{1,64}$/;

/** Why a handshake is refused; the stable words of the answers and events. */
export type RefusalStatus =
  | 'ROUTE_NOT_FOUND'
  | 'WRONG_CLUSTER'
  | 'WRONG_VERSION'
  | 'WRONG_RECIPIENT'
  | 'DUPLICATE_MEMBER'
  | 'UNKNOWN_SENDER'
  | 'WRONG_SECRET'
  | 'WRONG_CERTIFICATE'
  | 'NOT_RUNNING';

export interface Refusal extends FrameRefusal {
  readonly status: RefusalStatus;
}

export interface Membership {
  readonly id: NodeId;
  readonly cluster: string;
  /** Shared by all members, or null where none is asked for. */
  readonly secret: string | null;
  /** Base url at which others reach this member's peer port, for those that do not know it; they refuse it without. */
  readonly advertise?: string;
  /**
   * Tells the process of this member from others that say they are it, as on a copy of its data: 1 to 64 printable ASCII
   * characters that its data keeps and a copy does not. Two processes with different ones are not taken for one member;
   * without it that is not checked.
   */
  readonly instance?: string;
}

/** The headers of a handshake with `to`. */
export function handshakeHeaders(self: Membership, to: NodeId): Record<string, string> {
  return {
    [HEADERS.cluster]: self.cluster,
    [HEADERS.version]: String(RAFT_PROTOCOL_VERSION),
    [HEADERS.from]: self.id,
    [HEADERS.to]: to,
    ...(self.secret === null ? {} : { [HEADERS.secret]: self.secret }),
    ...(self.advertise === undefined ? {} : { [HEADERS.url]: self.advertise }),
    ...instanceHeader(self),
  };
}

/** What an acceptor says of itself in its answer. */
export function instanceHeader({ instance }: Membership): Record<string, string> {
  return instance === undefined ? {} : { [HEADERS.instance]: instance };
}

/** Which process of its member the headers of a handshake, or of its answer, come from; null if they do not say. */
export function instanceOf(headers: IncomingHttpHeaders): string | null {
  const instance = headers[HEADERS.instance];
  return typeof instance === 'string' && INSTANCE.test(instance) ? instance : null;
}

/**
 * Why a process that says it is `peer` is refused: another process answers at the address where this member reaches
 * `peer`, and one of the two is a copy. The address decides, because that is what every message to the member goes by.
 */
export function refuseInstance(
  peer: NodeId,
  headers: IncomingHttpHeaders,
  answering: { readonly instance: string | null; readonly url: string },
): Refusal | null {
  const claimed = instanceOf(headers);
  if (claimed === null || answering.instance === null || claimed === answering.instance) return null;
  const here = senderUrlOf(headers) ?? 'an address that it does not tell';
  return refusal(
    409,
    'DUPLICATE_MEMBER',
    `two processes say that they are member ${peer}: the one at ${answering.url}, where this member reaches it, and the ` +
      `one that asks, at ${here}; their data are not the same folder. Stop the one that runs on the copy, or, if the member ` +
      `has moved, stop the other one and give its new address to every member`,
  );
}

/** Who a handshake says it comes from; to be believed only once `refuseHandshake` has found nothing. */
export function senderOf(headers: IncomingHttpHeaders): NodeId {
  return String(headers[HEADERS.from]);
}

/** Where a handshake says that its sender is reached; null if it says nothing that could be dialed. */
export function senderUrlOf(headers: IncomingHttpHeaders): string | null {
  return unknownPeerUrl(headers[HEADERS.url]);
}

/** Why a member refuses a handshake, or null if it accepts it. */
export function refuseHandshake(
  self: Membership,
  hears: (peer: NodeId) => boolean,
  headers: IncomingHttpHeaders,
): Refusal | null {
  const refused = refuseStranger(self, headers);
  if (refused !== null) return refused;
  if (headers[HEADERS.to] !== self.id) return refusal(421, 'WRONG_RECIPIENT', `this is member ${self.id}`);
  const from = senderOf(headers);
  if (from === self.id || !isNodeId(from) || !hears(from)) {
    return refusal(403, 'UNKNOWN_SENDER', 'the sender is no other member of this cluster');
  }
  return null;
}

/** Why a member refuses who asks, or null if it is a process of this cluster, whichever. */
export function refuseStranger(self: Membership, headers: IncomingHttpHeaders): Refusal | null {
  // First, so that who does not know the secret learns nothing of the cluster.
  if (!secretMatches(self.secret, headers[HEADERS.secret])) {
    return refusal(401, 'WRONG_SECRET', 'the secret of the cluster is missing or wrong');
  }
  if (headers[HEADERS.cluster] !== self.cluster) {
    return refusal(403, 'WRONG_CLUSTER', `this member is of cluster ${self.cluster}`);
  }
  if (headers[HEADERS.version] !== String(RAFT_PROTOCOL_VERSION)) {
    return refusal(426, 'WRONG_VERSION', `this member speaks version ${RAFT_PROTOCOL_VERSION}`);
  }
  return null;
}

export function refusal(httpStatus: number, status: RefusalStatus, message: string): Refusal {
  return { httpStatus, status, message };
}

/** Why a member refuses a certificate, or null if it is that of the member that the handshake names. */
export function refuseCertificate({ problem, name }: PeerCertificate, expected: string): Refusal | null {
  if (problem !== null) return refusal(401, 'WRONG_CERTIFICATE', problem);
  if (name === expected) return null;
  return refusal(403, 'WRONG_CERTIFICATE', 'the certificate is that of another process');
}

/** Compares digests, which have one length, in constant time. */
function secretMatches(expected: string | null, given: unknown): boolean {
  if (expected === null) return true;
  return typeof given === 'string' && timingSafeEqual(digest(expected), digest(given));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
