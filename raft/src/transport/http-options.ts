/** The options of the HTTP transport, and its server. */
import type { Server } from 'node:http';
import type { NodeId } from '../core/types.js';
import { createTlsServer, type ClientTls, type FrameLimits, type TlsSource } from '../frames/index.js';
import type { TransportEvent } from './events.js';
import type { MemberIdentity } from './handshake.js';
import type { QueryHandlers } from './queries.js';

/** The options of `HttpTransport`. */
export interface HttpTransportOptions extends MemberIdentity {
  /** The address of the peer port. */
  readonly listen: {
    /** Name or IP address to bind. */
    readonly host: string;
    /** 0 lets the system choose a port. */
    readonly port: number;
  };
  /** Enables mutual TLS: then the URL of every peer must be https. */
  readonly tls?: MemberTls | undefined;
  /**
   * Base URLs of the peer ports of members that are known before the log names them; may include this member.
   */
  readonly peers?: ReadonlyMap<NodeId, string>;
  /**
   * Returns the base URL for a member's `address` in the log (empty if it has none); the address itself
   * unless set.
   */
  readonly urlOf?: (address: string, peer: NodeId) => string;
  /** Handlers of queries from processes of this cluster, active from `listen` on. */
  readonly queries?: QueryHandlers;
  /** Called for every event on the links of this member; must not throw. */
  readonly onEvent?: (event: TransportEvent) => void;
  /**
   * Unless set: frames of up to 32 MiB, up to 64 MiB queued for each peer, and links closed after 3 s of
   * silence.
   */
  readonly limits?: Partial<FrameLimits>;
  /** Time limit of one handshake, in milliseconds; 1 s unless set. */
  readonly dialMsMax?: number;
  /** A snapshot transfer fails after this time without progress, in milliseconds; 20 s unless set. */
  readonly snapshotStallMsMax?: number;
  /** Time limit for sending queued messages when stopping, in milliseconds; 1 s unless set. */
  readonly stopMsMax?: number;
  /** Uniform in [0, 1); `Math.random` unless set. */
  readonly random?: () => number;
  /** Monotonic milliseconds; `performance.now` unless set. */
  readonly now?: () => number;
  /** The wall clock that is sent to peers, in milliseconds since 1970; `Date.now` unless set. */
  readonly wallClock?: () => number;
}

/** A member's TLS material, and the expected names of the others. */
export interface MemberTls {
  /** This member's certificate and key, and the authority that it trusts. */
  readonly source: TlsSource;
  /** Returns the common name in the certificate of a member; its id unless given. */
  readonly nameOf?: (id: NodeId) => string;
}

const MIB = 1024 * 1024;
export const DEFAULT_FRAME_LIMITS: FrameLimits = {
  frameBytesMax: 32 * MIB,
  queueBytesMax: 64 * MIB,
  silenceMsMax: 3_000,
};

/** The bound on open sockets, including running handshakes; further connections are reset. */
const SOCKETS_MAX = 256;
const HANDSHAKE_MS_MAX = 5_000;

/** The TLS options for dialing `peer`: the server at its address must have the peer's certificate. */
export function peerTls(peer: NodeId, { tls }: Pick<HttpTransportOptions, 'tls'>): ClientTls | null {
  if (tls === undefined) return null;
  const expected = tls.nameOf?.(peer) ?? peer;
  const refuseServer: ClientTls['checkServerName'] = (name) =>
    name === expected
      ? null
      : `the server has the certificate of ${JSON.stringify(name)}, not of ${expected}`;
  return { source: tls.source, checkServerName: refuseServer };
}

/** Creates the server of a peer port, without handlers. */
export function createPeerServer(tls: TlsSource | null): Server {
  const limits = {
    headersTimeout: HANDSHAKE_MS_MAX,
    // The body of a snapshot may take any time; its reader checks for progress.
    requestTimeout: 0,
    connectionsCheckingInterval: 1_000,
  };
  const server = createTlsServer(limits, tls);
  server.maxConnections = SOCKETS_MAX;
  return server;
}
