/**
 * The event streams of dashboard viewers (server-sent events, as defined by WHATWG HTML). Each poll is
 * serialized once and sent to all viewers. A viewer that does not read is disconnected: nothing is buffered
 * for it except in its socket.
 */
import type { ServerResponse } from 'node:http';
import type { Log } from '@trireme/service';
import type { DashboardSnapshot } from '../rules/dashboard/snapshot.js';

/** Maximum number of streams; further viewers get 503. */
export const STREAMS_MAX = 64;
/** Milliseconds between two polls of the cluster. */
const POLL_INTERVAL_MS = 500;
/** Milliseconds to collect changes of links or leaders before they are sent, ahead of the next poll. */
const CHANGE_DELAY_MS = 60;
/** Maximum number of unread bytes of a viewer before it is disconnected. */
const UNREAD_BYTES_MAX = 512 * 1024;
/** Milliseconds after which a browser reconnects. */
const RETRY_MS = 1_000;
/** Maximum number of points of the curves: one minute of them. */
const POINTS_MAX = 120;

/** Headers of an event stream. */
export const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } as const;

/** `[orders a second, p50 ms or null, p99 ms or null, lookups a second]` */
export type CurvePoint = readonly [number, number | null, number | null, number];

/** The response to which a viewer's stream is written. */
export type EventSink = Pick<
  ServerResponse,
  'writeHead' | 'write' | 'end' | 'destroy' | 'on' | 'writableLength'
>;

interface ViewersOptions {
  readonly log: Log;
  /** Polls the cluster; never rejects. */
  readonly poll: () => Promise<DashboardSnapshot>;
  /** The current state, without polling. */
  readonly snapshot: () => DashboardSnapshot;
  /** Called when the first viewer connects. */
  readonly onFirstViewer: () => void;
}

export class EventStreams {
  readonly #options: ViewersOptions;
  readonly #streams = new Set<EventSink>();
  #curves: CurvePoint[] = [];
  #timer: NodeJS.Timeout | null = null;
  #changeTimer: NodeJS.Timeout | null = null;
  #isPolling = false;
  #closed = false;

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Whether another viewer may connect. */
  get hasRoom(): boolean {
    return !this.#closed && this.#streams.size < STREAMS_MAX;
  }

  /** Starts the stream of a viewer. @param headers response headers, including those of a stream. */
  add(response: EventSink, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, headers);
    const isFirst = this.#streams.size === 0;
    this.#streams.add(response);
    const onClose = (): void => this.#remove(response);
    response.on('close', onClose).on('error', onClose);
    if (isFirst) this.#curves = [];
    response.write(`retry: ${RETRY_MS}\n\nevent: curves\ndata: ${JSON.stringify(this.#curves)}\n\n`);
    // Without other viewers the last state may be old, so the first viewer waits for a poll.
    if (isFirst) this.#begin();
    else this.#write(response, stateText(this.#options.snapshot()));
  }

  /** Links or leaders have changed: sends the state without waiting for the next poll. */
  onClusterChange(): void {
    if (this.#streams.size === 0 || this.#changeTimer !== null) return;
    this.#changeTimer = setTimeout(() => {
      this.#changeTimer = null;
      this.#broadcast(stateText(this.#options.snapshot()));
    }, CHANGE_DELAY_MS);
  }

  /** Ends all streams and accepts no more viewers. */
  close(): void {
    this.#closed = true;
    for (const response of this.#streams) response.end();
    this.#streams.clear();
    this.#stop();
  }

  #begin(): void {
    this.#options.onFirstViewer();
    this.#poll();
  }

  #poll(): void {
    this.#timer = setTimeout(() => this.#poll(), POLL_INTERVAL_MS);
    // A poll takes long while the cluster does not answer, and another one would only wait too.
    if (this.#isPolling) return;
    this.#isPolling = true;
    void this.#options.poll().then((snapshot) => {
      this.#isPolling = false;
      const { filled, p50Ms, p99Ms, lookups } = snapshot.traffic;
      this.#curves.push([filled, p50Ms, p99Ms, lookups]);
      if (this.#curves.length > POINTS_MAX) this.#curves.shift();
      this.#broadcast(`${stateText(snapshot)}event: point\ndata: ${JSON.stringify(this.#curves.at(-1))}\n\n`);
    });
  }

  #broadcast(text: string): void {
    for (const response of this.#streams) this.#write(response, text);
  }

  #write(response: EventSink, text: string): void {
    if (response.writableLength > UNREAD_BYTES_MAX) {
      this.#options.log.info(
        { behindBytes: response.writableLength },
        'viewer disconnected, it does not read its stream',
      );
      response.destroy();
    } else {
      response.write(text);
    }
  }

  #remove(response: EventSink): void {
    if (this.#streams.delete(response) && this.#streams.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#changeTimer !== null) clearTimeout(this.#changeTimer);
    this.#timer = null;
    this.#changeTimer = null;
  }
}

function stateText(snapshot: DashboardSnapshot): string {
  return `event: state\ndata: ${JSON.stringify(snapshot)}\n\n`;
}
