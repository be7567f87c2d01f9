/** What an HTTP transport is made of, and its port. */
import type { Server } from 'node:http';
import type { NodeId } from '../core/types.js';
import { createTlsServer, type DialTls, type FrameLimits, type TlsSource } from '../frames/index.js';
import type { TransportEvent } from './events.js';
import type { Membership } from './handshake.js';
import type { Questions } from './questions.js';

/** Who this member is, where it listens, and the bounds of its links. */
export interface HttpTransportOptions extends Membership {
  readonly listen: {
    readonly host: string;
    /** 0 lets the system choose. */
    readonly port: number;
  };
  /** Mutual TLS: then every url of a peer is https. */
  readonly tls?: MemberTls;
  /** Base url of each member's peer port, where it is known before the group names it; this member's own may be among them. */
  readonly peers?: ReadonlyMap<NodeId, string>;
  /** Base url of a member's peer port, of which the log says `address` (empty for nothing); the address itself unless set. */
  readonly urlOf?: (address: string, peer: NodeId) => string;
  /** Answers to questions of processes of this cluster, from `listen` on. */
  readonly questions?: Questions;
  readonly onEvent?: (event: TransportEvent) => void;
  /** Frames of 32 MiB, 64 MiB queued for each peer and 3 s of silence unless set. */
  readonly limits?: Partial<FrameLimits>;
  /** For one handshake, in milliseconds; 1 s unless set. */
  readonly dialMsMax?: number;
  /** How long a snapshot's transfer may stand still, in milliseconds; 20 s unless set. A slow one may take any time. */
  readonly snapshotStallMsMax?: number;
  /** For handing over what is queued when stopping, in milliseconds; 1 s unless set. */
  readonly stopMsMax?: number;
  /** Uniform in [0, 1); `Math.random` unless set. */
  readonly random?: () => number;
  /** Monotonic milliseconds; `performance.now` unless set. */
  readonly now?: () => number;
  /** Milliseconds since 1970, told to peers; `Date.now` unless set. */
  readonly wallClock?: () => number;
}

/** A member's certificate, and what those of the others are called. */
export interface MemberTls {
  readonly source: TlsSource;
  /** The common name in the certificate of a member; its id unless given. */
  readonly nameOf?: (id: NodeId) => string;
}

const MIB = 1024 * 1024;
export const DEFAULT_FRAME_LIMITS: FrameLimits = {
  frameBytesMax: 32 * MIB,
  queueBytesMax: 64 * MIB,
  silenceMsMax: 3_000,
};

/** Sockets open at once, handshakes under way included; further ones are reset. */
const SOCKETS_MAX = 256;
const HANDSHAKE_MS_MAX = 5_000;

/** What a member dials `peer` with: who answers at its address has to be that peer. */
export function tlsTo(peer: NodeId, { tls }: Pick<HttpTransportOptions, 'tls'>): DialTls | null {
  if (tls === undefined) return null;
  const expected = tls.nameOf?.(peer) ?? peer;
  const refuseServer: DialTls['refuseServer'] = (name) =>
    name === expected ? null : `the certificate there is that of ${JSON.stringify(name)}, not of ${expected}`;
  return { source: tls.source, refuseServer };
}

/** The server of a peer port, without its handlers. */
export function peerServer(tls: TlsSource | null): Server {
  const limits = {
    headersTimeout: HANDSHAKE_MS_MAX,
    // A snapshot's body takes as long as it takes; that it goes on is watched where it is read.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
  };
  const server = createTlsServer(limits, tls);
  server.maxConnections = SOCKETS_MAX;
  return server;
}

/** Binds the server. @returns the port @throws the system's error. */
export async function bind(server: Server, listen: { host: string; port: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    // It stays: a connection that cannot be taken later, as without a descriptor for it, must not end the process.
    server.on('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : listen.port;
}
