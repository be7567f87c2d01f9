/**
 * A connection on which simple requests come one at a time: each is read and answered without Node's HTTP server. With the
 * first bytes that are anything else, as of two requests at once or of a client that does not read its answers, the connection is
 * handed over to that server for good, with these bytes still to be read. So nothing is refused here.
 */
import type { Socket } from 'node:net';
import { readPlainRequest, type SimpleRequest } from '../rules/simple-request.js';
import { answerText, isLastAnswer, type Answer } from './answer.js';
import { closeConnection } from './close-connection.js';

const CR = 0x0d;
const LF = 0x0a;

/** What a connection belongs to. */
export interface FastPathPort {
  /** Whether simple requests are answered; else each connection is handed over with its first bytes. */
  readonly isOpen: boolean;
  /** How long clients are told that a connection is kept without a request, in milliseconds. */
  readonly keepAliveMs: number;
  /** How long it is kept: somewhat longer, as a request may be under way. */
  readonly idleMsMax: number;
  /** How long the rest of a request is waited for, in milliseconds: some clients write a body apart from its head. */
  readonly restMsMax: number;
  /** How long the last answer may wait for the client to take it, in milliseconds. */
  readonly stallMs: number;
  /** Has the request answered: `done` is called once, perhaps at once. */
  answer(request: SimpleRequest, done: (answer: Answer) => void): void;
  /** Takes over the connection; `bytes` were read from it and are still to be parsed. */
  passOn(socket: Socket, bytes: Buffer): void;
  /** The client has ended the connection in the middle of a request. */
  endedEarly(socket: Socket): void;
}

/**
 * `idle`: no byte of a request is there; `part`: some are; `busy`: one is to be answered; `last`: the last answer was written, and
 * what still comes is dropped, for it must have no effect (RFC 9112, section 9.6); `over`: closed, or handed over.
 */
type State = 'idle' | 'part' | 'busy' | 'last' | 'over';

export class FastPathConnection {
  readonly #socket: Socket;
  readonly #port: FastPathPort;
  #state: State = 'idle';
  /** What was read and waits: a part of a request, or what came behind the one that is to be answered. */
  #held: Buffer | null = null;
  /** Whether the answer that is due is the last one. */
  #isLast = false;
  /** Requests so far. */
  #count = 0;
  /** Whether empty lines came since the last request. */
  #hasEmptyLines = false;

  constructor(socket: Socket, port: FastPathPort) {
    this.#socket = socket;
    this.#port = port;
    this.#waitForRequest();
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Closes the connection if no byte of a request has come, once all answers are out. */
  closeIdle(): void {
    if (this.#state !== 'idle') return;
    this.#close();
  }

  /** Closes the connection now, also where it was handed over. */
  cut(): void {
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state === 'last') return;
    const bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#state === 'busy') {
      this.#held = bytes;
      this.#socket.pause();
      return;
    }
    const request = this.#state === 'idle' ? withoutEmptyLines(bytes) : bytes;
    // Each empty line restarts the idle timeout, so a client that sends nothing else is left to Node's server, which bounds it.
    if (request.length === 0 && this.#hasEmptyLines) this.#passOn(bytes);
    else this.#read(request);
    this.#hasEmptyLines = request.length === 0;
  };

  #read(bytes: Buffer): void {
    this.#held = null;
    if (bytes.length === 0) return;
    // Answers that nobody reads would pile up.
    const canAnswer = this.#port.isOpen && this.#socket.writableLength === 0;
    const request = canAnswer ? readPlainRequest(bytes) : 'other';
    // One wait and no more: who sends byte by byte would have the same ones read again and again.
    if (request === 'other' || (request === 'part' && this.#state === 'part')) this.#passOn(bytes);
    else if (request === 'part') this.#waitForRest(bytes);
    else this.#begin(request);
  }

  #waitForRest(bytes: Buffer): void {
    this.#state = 'part';
    this.#held = bytes;
    this.#socket.setTimeout(this.#port.restMsMax);
  }

  #waitForRequest(): void {
    this.#socket.setTimeout(this.#port.idleMsMax);
  }

  #begin(request: SimpleRequest): void {
    if (this.#state === 'part') this.#waitForRequest();
    this.#state = 'busy';
    this.#isLast = request.isLast;
    const count = (this.#count += 1);
    this.#port.answer(request, (answer) => {
      // The client may have gone meanwhile. A second answer would be taken for that to the next request.
      if (this.#state === 'busy' && this.#count === count) this.#write(answer);
    });
  }

  #write(answer: Answer): void {
    if (this.#isLast) answer.headers['Connection'] = 'close';
    const isLast = isLastAnswer(answer.headers);
    this.#state = isLast ? 'last' : 'idle';
    this.#socket.write(answerText(answer, Date.now(), this.#port.keepAliveMs / 1000));
    if (isLast) this.#close();
    else if (this.#held !== null) this.#readHeld(this.#held);
  }

  /** Reads what came while the answer was due, ignoring empty lines. */
  #readHeld(held: Buffer): void {
    const bytes = withoutEmptyLines(held);
    this.#held = null;
    if (bytes.length > 0) this.#passOn(bytes);
    else this.#socket.resume();
  }

  #close(): void {
    this.#state = 'last';
    this.#held = null;
    closeConnection(this.#socket, this.#port.stallMs);
  }

  #passOn(bytes: Buffer): void {
    const socket = this.#socket;
    this.#state = 'over';
    this.#held = null;
    socket.setTimeout(0);
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('timeout', this.#onTimeout);
    socket.off('error', this.#onError);
    this.#port.passOn(socket, bytes);
    socket.resume();
  }

  /** The client sends nothing more, but may still read. */
  readonly #onEnd = (): void => {
    if (this.#state === 'busy') {
      this.#isLast = true;
      return;
    }
    const isEarly = this.#state === 'part';
    this.#state = 'last';
    this.#held = null;
    this.#waitForRequest();
    if (isEarly) this.#port.endedEarly(this.#socket);
    else this.#socket.end();
  };

  readonly #onTimeout = (): void => {
    if (this.#state === 'part' && this.#held !== null) this.#passOn(this.#held);
    else if (this.#state !== 'busy') this.#socket.destroy();
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#state = 'over';
    this.#held = null;
  };
}

/** Empty lines before a request are ignored (RFC 9112, section 2.2). */
function withoutEmptyLines(bytes: Buffer): Buffer {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at === 0 ? bytes : bytes.subarray(at);
}
