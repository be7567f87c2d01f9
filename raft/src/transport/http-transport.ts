/**
 * Raft messages over HTTP: each member dials one connection of frames to every other and sends on it, and receives on
 * those that the others dial. A message is lost rather than waited for: Raft repeats what matters.
 *
 * Callbacks come one at a time and never from inside `send`. What the handler throws is not caught, since a broken
 * invariant has to stop the process.
 */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Message, NodeId } from '../core/types.js';
import { RaftError, invariant } from '../core/errors.js';
import { isNodeId } from '../core/membership.js';
import {
  FrameError,
  acceptFrames,
  certificateOf,
  checkFrameLimits,
  refuseSocket,
  type FrameClose,
  type FrameCloseCode,
  type FrameConnection,
  type FrameLimits,
} from '../frames/index.js';
import { MessageError, decodeClock, decodeMessage } from './codec.js';
import type { LinkDirection, TransportEvent } from './events.js';
import { UnknownPeers } from './unknown-peers.js';
import {
  RAFT_PATH,
  SNAPSHOT_PATH,
  handshakeHeaders,
  instanceHeader,
  refusal,
  refuseCertificate,
  refuseHandshake,
  refuseInstance,
  refuseStranger,
  senderOf,
  senderUrlOf,
  type Refusal,
} from './handshake.js';
import { DEFAULT_FRAME_LIMITS, bind, peerServer, tlsTo, type HttpTransportOptions } from './http-options.js';
import { DropReporter } from './drop-reporter.js';
import { askProcess } from './questions.js';
import { OutgoingLink } from './outgoing.js';
import { receiveSnapshot } from './snapshot-receiver.js';
import { postSnapshot } from './snapshot-sender.js';
import type { SnapshotTransfer, Transport, TransportHandler } from './transport.js';

const DIAL_MS_MAX = 1_000;
const STOP_MS_MAX = 1_000;
/** Between two times that peers are told this member's wall clock. */
const CLOCK_INTERVAL_MS = 1_000;
/** Beyond any pause of a process or a disk that is still at work. */
const SNAPSHOT_STALL_MS_MAX = 20_000;

/** What a link closes with when it was the other side, or what lies between, that gave up. */
const LOST: ReadonlySet<FrameCloseCode> = new Set(['ENDED', 'SOCKET_FAILED', 'SILENT']);

type State = 'new' | 'running' | 'stopped';

/** A link that a peer dialed, with the headers of its handshake. */
interface IncomingLink {
  readonly connection: FrameConnection;
  readonly headers: IncomingHttpHeaders;
}

/** The transport over HTTP; one for each member, started once. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #limits: FrameLimits;
  readonly #peers: Map<NodeId, string>;
  readonly #unknownPeers = new UnknownPeers();
  readonly #server: Server;
  readonly #outgoing = new Map<NodeId, OutgoingLink>();
  /** At most one for each peer: a newer one takes the place of the older. */
  readonly #incoming = new Map<NodeId, IncomingLink>();
  readonly #drops = new DropReporter((peer, reason) => {
    if (reason !== null) this.#event({ type: 'dropped', peer, reason });
    if (this.#state === 'running') this.#handler?.unreachable(peer);
  });
  /** Links that are given up and on which something may still leave. */
  readonly #closing = new Set<Promise<unknown>>();
  readonly #stopping = new AbortController();
  #handler: TransportHandler | null = null;
  #listening: Promise<number> | null = null;
  #clockTimer: NodeJS.Timeout | undefined;
  #state: State = 'new';

  /** @throws RaftError `BAD_CONFIG`, FrameError `BAD_OPTION` */
  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_FRAME_LIMITS, ...options.limits };
    checkFrameLimits(this.#limits);
    this.#peers = new Map(options.peers);
    for (const id of [options.id, ...this.#peers.keys()]) {
      if (!isNodeId(id)) throw new RaftError('BAD_CONFIG', `${JSON.stringify(id)} is not the id of a member`);
    }
    this.#peers.delete(options.id);
    this.#server = peerServer(options.tls?.source ?? null);
    this.#server.on('request', (request, response) => this.#request(request, response));
    this.#server.on('clientError', (_error, socket) => refuseSocket(socket, NOTHING_HERE));
    this.#server.on('upgrade', (request, socket, head) => this.#accept(request, socket, head));
  }

  /**
   * Binds the peer port; `start` does it too, so this is for who needs the port first. Handshakes are refused until
   * `start`.
   * @returns the port
   * @throws the system's error, such as EADDRINUSE.
   */
  async listen(): Promise<number> {
    this.#listening ??= bind(this.#server, this.#options.listen);
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
    const unknownPeerUrl = this.#unknownPeers.known(peer);
    const known = this.#peers.get(peer);
    const told = this.#options.urlOf?.(address, peer) ?? address;
    const url = address === '' && told === '' ? (known ?? unknownPeerUrl ?? '') : told;
    if (url === known) return;
    this.#peers.set(peer, url);
    this.#close(peer);
    if (this.#state === 'running') this.#dial(peer, url);
  }

  removePeer(peer: NodeId): void {
    if (!this.#peers.delete(peer)) return;
    this.#unknownPeers.removed(peer);
    this.#close(peer);
    this.#incoming.get(peer)?.connection.close('no member any more');
  }

  /** Gives up the way to a peer, once what is queued for it has left. */
  #close(peer: NodeId): void {
    const link = this.#outgoing.get(peer);
    if (link === undefined) return;
    this.#outgoing.delete(peer);
    const stopMsMax = this.#options.stopMsMax ?? STOP_MS_MAX;
    const closed: Promise<void> = link.stop(stopMsMax).then(() => void this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Begins to dial a peer, unless its address is none or not known. */
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
    invariant(this.#state === 'new', 'a transport is started once');
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
      throw new RaftError('SNAPSHOT_REFUSED', `no snapshot can be sent to ${snapshot.to}`);
    }
    const headers = handshakeHeaders(this.#options, snapshot.to);
    const { snapshotStallMsMax: stallMsMax = SNAPSHOT_STALL_MS_MAX } = this.#options;
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    const tls = tlsTo(snapshot.to, this.#options);
    await postSnapshot(snapshot, { url, headers, tls, stallMsMax, signal: until });
  }

  /**
   * Asks whichever process answers where `peer` is to be reached; see `askProcess`.
   * @throws Error if it gives no answer.
   */
  async ask(peer: NodeId, path: string): Promise<unknown> {
    const { dialMsMax: msMax = DIAL_MS_MAX } = this.#options;
    const url = new URL(path, this.#peers.get(peer));
    return askProcess(url, {
      ...{ headers: handshakeHeaders(this.#options, peer), tls: tlsTo(peer, this.#options), msMax },
    });
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
    return new OutgoingLink({
      url,
      path: RAFT_PATH,
      headers: handshakeHeaders(this.#options, peer),
      limits: this.#limits,
      tls: tlsTo(peer, this.#options),
      dialMsMax,
      random,
      now,
      wallClock,
      opened: () => {
        this.#event({ type: 'connected', peer, direction: 'out' });
        this.#dropDuplicate(peer);
      },
      closed: (close) => {
        this.#disconnected(peer, 'out', close);
        this.#drops.add(peer, null);
      },
      failed: ({ code, message, refusal: refused }) =>
        this.#event({ type: 'dialFailed', peer, code, message, status: refused?.status ?? null }),
    });
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = acceptFrames({
      request,
      socket,
      head,
      limits: this.#limits,
      headers: instanceHeader(this.#options),
      authorize: () => this.#refusal(RAFT_PATH, request),
    });
    if (connection === null) return;
    const peer = senderOf(request.headers);
    const url = senderUrlOf(request.headers);
    if (!this.#peers.has(peer) && url !== null) this.#invite(peer, url);
    this.#receive(peer, { connection, headers: request.headers });
  }

  /** Gives up what comes from a peer if it is not the process that answers at the peer's address. */
  #dropDuplicate(peer: NodeId): void {
    const incoming = this.#incoming.get(peer);
    if (incoming === undefined) return;
    const refused = this.#refuseInstance(peer, incoming.headers);
    if (refused !== null) incoming.connection.close(refused.message);
  }

  #refuseInstance(peer: NodeId, headers: IncomingHttpHeaders): Refusal | null {
    const link = this.#outgoing.get(peer);
    return link === undefined ? null : refuseInstance(peer, headers, link.answering);
  }

  /** Answers who is not known, for as long as its link lasts. */
  #invite(peer: NodeId, url: string): void {
    this.#unknownPeers.add(peer, url);
    this.#close(peer);
    this.#dial(peer, url);
  }

  /** What comes without an upgrade: a question, a snapshot, or nothing of ours. */
  #request(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') {
      this.#answer(request, response);
      return;
    }
    const handler = this.#handler;
    const refused = request.method === 'POST' ? this.#refusal(SNAPSHOT_PATH, request) : NOTHING_HERE;
    if (refused !== null || handler === null) {
      refuseSocket(request.socket, refused ?? NOT_RUNNING);
      return;
    }
    const { snapshotStallMsMax: stallMsMax = SNAPSHOT_STALL_MS_MAX } = this.#options;
    const [from, to] = [senderOf(request.headers), this.#options.id];
    const take: TransportHandler['snapshot'] = async (snapshot) => handler.snapshot(snapshot);
    void receiveSnapshot(request, response, { from, to, stallMsMax, take });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { questions = {} } = this.#options;
    const path = request.url ?? '';
    const answer = Object.hasOwn(questions, path) ? questions[path] : undefined;
    const refused = answer === undefined ? NOTHING_HERE : this.#told(request, this.#refuseStranger(request));
    if (refused !== null || answer === undefined) {
      refuseSocket(request.socket, refused ?? NOTHING_HERE);
      return;
    }
    const text = JSON.stringify(answer());
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(text);
  }

  /** Why a request to `path` is refused, which is told; null if it is not. */
  #refusal(path: string, request: IncomingMessage): Refusal | null {
    return this.#told(request, this.#check(path, request));
  }

  /** Tells the owner of a refusal, if it is one. */
  #told(request: IncomingMessage, refused: Refusal | null): Refusal | null {
    if (refused !== null) {
      const { remoteAddress = '?', remotePort = 0 } = request.socket;
      const { status, message } = refused;
      this.#event({ type: 'refused', address: `${remoteAddress}:${remotePort}`, status, message });
    }
    return refused;
  }

  #check(path: string, { url, headers, socket }: IncomingMessage): Refusal | null {
    if (url !== path) return NOTHING_HERE;
    if (this.#state !== 'running') return NOT_RUNNING;
    const from = senderOf(headers);
    const refused = this.#refuseCertificate(from, socket);
    const hears = (peer: NodeId): boolean =>
      this.#peers.has(peer) || this.#unknownPeers.isWelcome(peer, senderUrlOf(headers));
    return refused ?? refuseHandshake(this.#options, hears, headers) ?? this.#refuseInstance(from, headers);
  }

  #refuseStranger({ headers, socket }: IncomingMessage): Refusal | null {
    return this.#refuseCertificate(senderOf(headers), socket) ?? refuseStranger(this.#options, headers);
  }

  #refuseCertificate(from: NodeId, socket: Socket): Refusal | null {
    const { tls } = this.#options;
    return tls === undefined ? null : refuseCertificate(certificateOf(socket), tls.nameOf?.(from) ?? from);
  }

  #receive(peer: NodeId, incoming: IncomingLink): void {
    const { connection } = incoming;
    // A peer that dials again has given up its older link, even where nothing here has noticed yet.
    this.#incoming.get(peer)?.connection.close('a newer link takes its place');
    this.#incoming.set(peer, incoming);
    this.#event({ type: 'connected', peer, direction: 'in' });
    // It has just started, or the network has healed: no reason to wait any longer for the way back.
    this.#outgoing.get(peer)?.dialNow();
    connection.start({
      frame: (payload) => {
        const wallMs = decodeClock(payload);
        if (wallMs !== null) {
          this.#event({ type: 'clock', peer, wallMs });
          return;
        }
        const message = this.#decode(peer, payload);
        if (typeof message === 'string') connection.close(message);
        else if (this.#state === 'running') this.#handler?.message(message);
      },
      closed: (close) => {
        if (this.#incoming.get(peer) === incoming) {
          this.#incoming.delete(peer);
          if (this.#unknownPeers.delete(peer)) this.#close(peer);
        }
        this.#disconnected(peer, 'in', close);
      },
    });
  }

  /** The message in a frame from `peer`, or why there is none. */
  #decode(peer: NodeId, payload: Buffer): Message | string {
    try {
      const message = decodeMessage(payload);
      if (message.from !== peer) return `a message of ${message.from} came on the link of ${peer}`;
      if (message.to !== this.#options.id) return `a message for ${message.to} came to ${this.#options.id}`;
      return message;
    } catch (error) {
      if (error instanceof MessageError) return error.message;
      throw error;
    }
  }

  #disconnected(peer: NodeId, direction: LinkDirection, { code, message }: FrameClose): void {
    this.#event({ type: 'disconnected', peer, direction, code, message });
    if (this.#state === 'running' && LOST.has(code)) this.#handler?.linkLost(peer);
  }

  #event(event: TransportEvent): void {
    this.#options.onEvent?.(event);
  }
}

const NOT_RUNNING = refusal(503, 'NOT_RUNNING', 'this member is starting or stopping');
const NOTHING_HERE = refusal(404, 'ROUTE_NOT_FOUND', 'this port is for Raft only');
