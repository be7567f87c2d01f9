/**
 * Raft messages over HTTP. Each member dials one frame connection to every other member and sends on it; it
 * receives on the connections that the others dial. Messages that cannot be sent are dropped: Raft retries
 * what matters.
 *
 * Callbacks come one at a time and never from inside `send`. Exceptions of the handler are not caught,
 * because a broken invariant must stop the process.
 */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Message, NodeId } from '../core/types.js';
import { RaftError, invariant } from '../core/errors.js';
import { isNodeId } from '../core/membership.js';
import { checkFrameLimits } from '../frames/connection.js';
import { tryVersions } from '../frames/handshake.js';
import {
  FrameError,
  acceptFrames,
  checkAccess,
  checkCertificate,
  checkPeerCertificate,
  clientAddress,
  listenOn,
  presentedVersion,
  refuseSocket,
  spokenVersions,
  type CloseReason,
  type FrameCloseCode,
  type FrameConnection,
  type FrameLimits,
} from '../frames/index.js';
import { MessageError, decodeClock, decodeMessage } from './codec.js';
import type { LinkDirection, TransportEvent } from './events.js';
import { UnknownPeers } from './unknown-peers.js';
import {
  RAFT_PATH,
  RAFT_PROTOCOL,
  SNAPSHOT_PATH,
  handshakeHeaders,
  makeRefusal,
  responseHeaders,
  checkHandshake,
  checkInstance,
  claimedSender,
  claimedSenderUrl,
  type HandshakeRefusal,
} from './handshake.js';
import {
  DEFAULT_FRAME_LIMITS,
  createPeerServer,
  peerTls,
  type HttpTransportOptions,
} from './http-options.js';
import { DropReporter } from './drop-reporter.js';
import { queryProcess } from './queries.js';
import { OutgoingLink } from './outgoing-link.js';
import { receiveSnapshot } from './snapshot-receiver.js';
import { postSnapshot } from './snapshot-sender.js';
import type { SnapshotTransfer, Transport, TransportHandler } from './transport.js';

const DIAL_MS_MAX = 1_000;
const STOP_MS_MAX = 1_000;
/** Interval at which this member sends its wall clock to its peers. */
const CLOCK_INTERVAL_MS = 1_000;
/** Longer than the pauses of a process or disk that still works. */
const SNAPSHOT_STALL_MS_MAX = 20_000;

/** The close codes of a link that was lost because of the peer or the network. */
const LOST: ReadonlySet<FrameCloseCode> = new Set(['ENDED', 'SOCKET_FAILED', 'SILENT']);

type State = 'new' | 'running' | 'stopped';

/** A link that a peer dialed, and the headers of its handshake. */
interface IncomingLink {
  readonly connection: FrameConnection;
  readonly headers: IncomingHttpHeaders;
}

/** The transport over HTTP. Each member has one, and starts it once. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #limits: FrameLimits;
  readonly #peers: Map<NodeId, string>;
  readonly #unknownPeers = new UnknownPeers();
  readonly #server: Server;
  readonly #outgoing = new Map<NodeId, OutgoingLink>();
  /** At most one for each peer: a newer link replaces the older one. */
  readonly #incoming = new Map<NodeId, IncomingLink>();
  readonly #drops = new DropReporter((peer, reason) => {
    if (reason !== null) this.#event({ type: 'dropped', peer, reason });
    if (this.#state === 'running') this.#handler?.onUnreachable(peer);
  });
  /** Links that are closing and may still send queued messages. */
  readonly #closing = new Set<Promise<unknown>>();
  readonly #stopping = new AbortController();
  #handler: TransportHandler | null = null;
  #listening: Promise<number> | null = null;
  #clockTimer: NodeJS.Timeout | undefined;
  #state: State = 'new';
  /** The versions of the protocol that this member speaks at present, newest first. */
  #versions = spokenVersions(RAFT_PROTOCOL, false);

  /**
   * @throws RaftError `BAD_CONFIG` for an invalid member id, FrameError `BAD_OPTION` for an invalid limit.
   */
  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_FRAME_LIMITS, ...options.limits };
    checkFrameLimits(this.#limits);
    this.#peers = new Map(options.peers);
    for (const id of [options.id, ...this.#peers.keys()]) {
      if (!isNodeId(id)) throw new RaftError('BAD_CONFIG', `${JSON.stringify(id)} is not a valid member id`);
    }
    this.#peers.delete(options.id);
    this.#server = createPeerServer(options.tls?.source ?? null);
    this.#server.on('request', (request, response) => this.#request(request, response));
    this.#server.on('clientError', (_error, socket) => refuseSocket(socket, NOT_FOUND));
    this.#server.on('upgrade', (request, socket, head) => this.#accept(request, socket, head));
  }

  /**
   * Binds the peer port. `start` does it too; call this to know the port earlier. Handshakes are refused
   * until `start`.
   * @returns the port
   * @throws the system's error, such as EADDRINUSE.
   */
  async listen(): Promise<number> {
    this.#listening ??= listenOn(this.#server, this.#options.listen);
    return this.#listening;
  }

  get messageBytesMax(): number {
    return this.#limits.frameBytesMax;
  }

  peers(): readonly NodeId[] {
    return [...this.#peers.keys()];
  }

  addPeer(peer: NodeId, address: string): void {
    if (this.#state === 'stopped' || peer === this.#options.id) return;
    const unknownPeerUrl = this.#unknownPeers.onPeerAdded(peer);
    const known = this.#peers.get(peer);
    const named = this.#options.urlOf?.(address, peer) ?? address;
    const url = address === '' && named === '' ? (known ?? unknownPeerUrl ?? '') : named;
    if (url === known) return;
    this.#peers.set(peer, url);
    this.#close(peer);
    if (this.#state === 'running') this.#dial(peer, url);
  }

  removePeer(peer: NodeId): void {
    if (!this.#peers.delete(peer)) return;
    this.#unknownPeers.onPeerRemoved(peer);
    this.#close(peer);
    this.#incoming.get(peer)?.connection.close('no longer a member');
  }

  setVersion(version: number): void {
    this.#versions = spokenVersions(RAFT_PROTOCOL, version >= RAFT_PROTOCOL.version);
    const isSpoken = (one: number | null): boolean => one === null || this.#versions.includes(one);
    const why = `the group has switched to protocol version ${version}`;
    for (const link of this.#outgoing.values()) if (!isSpoken(link.version)) link.reopen(why);
    for (const { connection, headers } of this.#incoming.values()) {
      if (!isSpoken(presentedVersion(RAFT_PROTOCOL, headers))) connection.close(why);
    }
  }

  /** Closes the outgoing link to a peer after sending its queued messages. */
  #close(peer: NodeId): void {
    const link = this.#outgoing.get(peer);
    if (link === undefined) return;
    this.#outgoing.delete(peer);
    const stopMsMax = this.#options.stopMsMax ?? STOP_MS_MAX;
    const closed: Promise<void> = link.stop(stopMsMax).then(() => void this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Starts dialing a peer, unless its URL is unknown or invalid. */
  #dial(peer: NodeId, url: string): void {
    if (url === '') return;
    try {
      const link = this.#outgoingLink(peer, url);
      this.#outgoing.set(peer, link);
      link.start();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#event({ type: 'dialFailed', peer, code: error.code, message: error.message, status: null });
    }
  }

  async start(handler: TransportHandler): Promise<void> {
    invariant(this.#state === 'new', 'a transport can be started only once');
    await this.listen();
    this.#handler = handler;
    this.#state = 'running';
    for (const [peer, url] of this.#peers) this.#dial(peer, url);
    this.#clockTimer = setInterval(() => this.#sendClocks(), CLOCK_INTERVAL_MS);
    this.#clockTimer.unref();
  }

  #sendClocks(): void {
    for (const link of this.#outgoing.values()) link.sendClock();
  }

  send(message: Message): void {
    if (this.#state !== 'running') return;
    const peer = message.to;
    const link = this.#outgoing.get(peer);
    const dropped = link === undefined ? 'unknownPeer' : link.send(message);
    if (dropped !== null) this.#drops.add(peer, dropped);
  }

  async sendSnapshot(snapshot: SnapshotTransfer, signal: AbortSignal): Promise<void> {
    const url = this.#peers.get(snapshot.to);
    if (this.#state !== 'running' || url === undefined) {
      const what = `cannot send a snapshot to ${snapshot.to}: it is not a peer, or the transport is not running`;
      throw new RaftError('SNAPSHOT_REFUSED', what);
    }
    const version = this.#outgoing.get(snapshot.to)?.version ?? RAFT_PROTOCOL.version;
    const headers = handshakeHeaders(this.#options, snapshot.to, version);
    const { snapshotStallMsMax: stallMsMax = SNAPSHOT_STALL_MS_MAX } = this.#options;
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    const tls = peerTls(snapshot.to, this.#options);
    await postSnapshot(snapshot, { url, headers, tls, stallMsMax, signal: until });
  }

  /**
   * Queries the process at the address of `peer`; see `queryProcess`.
   * @throws Error if it does not answer.
   */
  async query(peer: NodeId, path: string): Promise<unknown> {
    const { dialMsMax: msMax = DIAL_MS_MAX } = this.#options;
    const url = new URL(path, this.#peers.get(peer));
    const tls = peerTls(peer, this.#options);
    return tryVersions(this.#versions, async (version) =>
      queryProcess(url, { headers: handshakeHeaders(this.#options, peer, version), tls, msMax }),
    );
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#stopping.abort();
    clearInterval(this.#clockTimer);
    for (const peer of [...this.#outgoing.keys()]) this.#close(peer);
    await Promise.all(this.#closing);
    for (const { connection } of this.#incoming.values()) connection.close('this member is stopping');
    if (this.#listening === null) return;
    await this.#listening.catch(() => undefined);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #outgoingLink(peer: NodeId, url: string): OutgoingLink {
    const { wallClock = () => Date.now() } = this.#options;
    const { dialMsMax = DIAL_MS_MAX, random = Math.random, now = () => performance.now() } = this.#options;
    const link = new OutgoingLink({
      url,
      path: RAFT_PATH,
      headers: (version) => handshakeHeaders(this.#options, peer, version),
      versions: () => this.#versions,
      limits: this.#limits,
      tls: peerTls(peer, this.#options),
      dialMsMax,
      random,
      now,
      wallClock,
      onOpen: (version) => {
        this.#event({ type: 'connected', peer, direction: 'out', version });
        this.#dropDuplicate(peer);
        // The group may have switched to another version while this member dialed.
        if (!this.#versions.includes(version)) link.reopen(`the group no longer speaks version ${version}`);
      },
      closed: (close) => {
        this.#disconnected(peer, 'out', close);
        this.#drops.add(peer, null);
      },
      failed: ({ code, message, refusal: refused }) =>
        this.#event({ type: 'dialFailed', peer, code, message, status: refused?.status ?? null }),
    });
    return link;
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits: this.#limits,
      headers: responseHeaders(this.#options),
      authorize: () => this.#refusal(RAFT_PATH, request),
    });
    if (connection === null) return;
    const peer = claimedSender(request.headers);
    const url = claimedSenderUrl(request.headers);
    if (!this.#peers.has(peer) && url !== null) this.#dialUnknown(peer, url);
    this.#receive(peer, { connection, headers: request.headers });
  }

  /**
   * Closes the incoming link of a peer if it comes from another process than the one at the peer's address.
   */
  #dropDuplicate(peer: NodeId): void {
    const incoming = this.#incoming.get(peer);
    if (incoming === undefined) return;
    const refused = this.#refuseInstance(peer, incoming.headers);
    if (refused !== null) incoming.connection.close(refused.message);
  }

  #refuseInstance(peer: NodeId, headers: IncomingHttpHeaders): HandshakeRefusal | null {
    const link = this.#outgoing.get(peer);
    return link === undefined ? null : checkInstance(peer, headers, link.peerProcess);
  }

  /** Dials a peer that is not known, for as long as its incoming link is open. */
  #dialUnknown(peer: NodeId, url: string): void {
    this.#unknownPeers.add(peer, url);
    this.#close(peer);
    this.#dial(peer, url);
  }

  /** Handles a request without an upgrade: a query or a snapshot. */
  #request(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') {
      this.#answer(request, response);
      return;
    }
    const handler = this.#handler;
    const refused = request.method === 'POST' ? this.#refusal(SNAPSHOT_PATH, request) : NOT_FOUND;
    if (refused !== null || handler === null) {
      refuseSocket(request.socket, refused ?? NOT_RUNNING);
      return;
    }
    const { snapshotStallMsMax: stallMsMax = SNAPSHOT_STALL_MS_MAX } = this.#options;
    const [from, to] = [claimedSender(request.headers), this.#options.id];
    const take: TransportHandler['onSnapshot'] = async (snapshot) => handler.onSnapshot(snapshot);
    void receiveSnapshot(request, response, { from, to, stallMsMax, take });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { queries = {} } = this.#options;
    const path = request.url ?? '';
    const answer = Object.hasOwn(queries, path) ? queries[path] : undefined;
    const refused = answer === undefined ? NOT_FOUND : this.#reported(request, this.#refuseStranger(request));
    if (refused !== null || answer === undefined) {
      refuseSocket(request.socket, refused ?? NOT_FOUND);
      return;
    }
    const text = JSON.stringify(answer());
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(text);
  }

  /** Returns why a request to `path` is refused, and reports it; null if it is accepted. */
  #refusal(path: string, request: IncomingMessage): HandshakeRefusal | null {
    return this.#reported(request, this.#check(path, request));
  }

  /** Reports a refusal as an event, and returns it. */
  #reported(request: IncomingMessage, refused: HandshakeRefusal | null): HandshakeRefusal | null {
    if (refused !== null) {
      const { status, message } = refused;
      this.#event({ type: 'refused', address: clientAddress(request.socket), status, message });
    }
    return refused;
  }

  #check(path: string, { url, headers, socket }: IncomingMessage): HandshakeRefusal | null {
    if (url !== path) return NOT_FOUND;
    if (this.#state !== 'running') return NOT_RUNNING;
    const from = claimedSender(headers);
    const refused = this.#refuseCertificate(from, socket);
    const accepts = (peer: NodeId): boolean =>
      this.#peers.has(peer) || this.#unknownPeers.isAccepted(peer, claimedSenderUrl(headers));
    return (
      refused ??
      checkHandshake(this.#options, accepts, headers, this.#versions) ??
      this.#refuseInstance(from, headers)
    );
  }

  #refuseStranger({ headers, socket }: IncomingMessage): HandshakeRefusal | null {
    return (
      this.#refuseCertificate(claimedSender(headers), socket) ??
      checkAccess(RAFT_PROTOCOL, this.#options, headers, this.#versions)
    );
  }

  #refuseCertificate(from: NodeId, socket: Socket): HandshakeRefusal | null {
    const { tls } = this.#options;
    const certificate = tls === undefined ? null : checkPeerCertificate(socket);
    return checkCertificate(certificate, tls?.nameOf?.(from) ?? from);
  }

  #receive(peer: NodeId, incoming: IncomingLink): void {
    const { connection } = incoming;
    // A peer that dials again no longer uses its older link, even if this member has not noticed it yet.
    this.#incoming.get(peer)?.connection.close('replaced by a newer link');
    this.#incoming.set(peer, incoming);
    const version = presentedVersion(RAFT_PROTOCOL, incoming.headers) ?? RAFT_PROTOCOL.version;
    this.#event({ type: 'connected', peer, direction: 'in', version });
    // The peer has just started, or the network has recovered: dial it without waiting for the backoff.
    this.#outgoing.get(peer)?.dialNow();
    connection.start({
      onFrame: (payload) => {
        const wallMs = decodeClock(payload);
        if (wallMs !== null) {
          this.#event({ type: 'clock', peer, wallMs });
          return;
        }
        const message = this.#decode(peer, payload);
        if (typeof message === 'string') connection.close(message);
        else if (this.#state === 'running') this.#handler?.onMessage(message);
      },
      onClose: (close) => {
        if (this.#incoming.get(peer) === incoming) {
          this.#incoming.delete(peer);
          if (this.#unknownPeers.delete(peer)) this.#close(peer);
        }
        this.#disconnected(peer, 'in', close);
      },
    });
  }

  /** Decodes a frame from `peer`. @returns the message, or the reason for closing the link */
  #decode(peer: NodeId, payload: Buffer): Message | string {
    try {
      const message = decodeMessage(payload);
      if (message.from !== peer) return `received a message from ${message.from} on the link of ${peer}`;
      if (message.to !== this.#options.id)
        return `received a message for ${message.to} at member ${this.#options.id}`;
      return message;
    } catch (error) {
      if (error instanceof MessageError) return error.message;
      throw error;
    }
  }

  #disconnected(peer: NodeId, direction: LinkDirection, { code, message }: CloseReason): void {
    this.#event({ type: 'disconnected', peer, direction, code, message });
    if (this.#state === 'running' && LOST.has(code)) this.#handler?.onLinkLost(peer);
  }

  #event(event: TransportEvent): void {
    this.#options.onEvent?.(event);
  }
}

const NOT_RUNNING = makeRefusal(503, 'NOT_RUNNING', 'this member is starting or stopping; retry later');
const NOT_FOUND = makeRefusal(404, 'ROUTE_NOT_FOUND', 'not found: this port serves only Raft members');
