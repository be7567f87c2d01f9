/**
 * The streams of those who watch (server-sent events, as WHATWG HTML defines them). Each look is written once as text
 * and given to all. A viewer that does not read is dropped: nothing is kept for it but what its socket has not taken.
 */
import type { ServerResponse } from 'node:http';
import type { Log } from '@trireme/service';
import type { DashboardSnapshot } from '../rules/dashboard/snapshot.js';

/** Streams at once; a further viewer is told to come again later. */
export const VIEWERS_MAX = 64;
/** Between two looks, in milliseconds. */
const LOOK_MS = 500;
/** A change of links or leaders is told sooner, but not sooner after another one than this, in milliseconds. */
const CHANGE_MS_MIN = 60;
/** Bytes that a viewer may be behind before it is dropped. */
const BEHIND_BYTES_MAX = 512 * 1024;
/** After which a browser dials again, in milliseconds. */
const RETRY_MS = 1_000;
/** Points of the curves that a new viewer gets: a minute of them. */
const POINTS_MAX = 120;

/** By which an answer is a stream of events. */
export const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } as const;

/** `[orders a second, p50 ms or null, p99 ms or null, lookups a second]` */
export type CurvePoint = readonly [number, number | null, number | null, number];

/** What a viewer's stream is written to. */
export type EventSink = Pick<
  ServerResponse,
  'writeHead' | 'write' | 'end' | 'destroy' | 'on' | 'writableLength'
>;

interface ViewersOptions {
  readonly log: Log;
  /** Looks at the cluster; never rejects. */
  readonly look: () => Promise<DashboardSnapshot>;
  /** What is known without looking. */
  readonly snapshot: () => DashboardSnapshot;
  /** Somebody watches again after nobody did. */
  readonly begin: () => void;
}

export class Viewers {
  readonly #o: ViewersOptions;
  readonly #streams = new Set<EventSink>();
  #curves: CurvePoint[] = [];
  #timer: NodeJS.Timeout | null = null;
  #changeTimer: NodeJS.Timeout | null = null;
  #isLooking = false;
  #closed = false;

  constructor(options: ViewersOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Whether one more may watch. */
  get hasRoom(): boolean {
    return !this.#closed && this.#streams.size < VIEWERS_MAX;
  }

  /** Sends this viewer everything from now on; `headers` have those of a stream. */
  add(response: EventSink, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, headers);
    const isFirst = this.#streams.size === 0;
    this.#streams.add(response);
    const gone = (): void => this.#remove(response);
    response.on('close', gone).on('error', gone);
    if (isFirst) this.#curves = [];
    response.write(`retry: ${RETRY_MS}\n\nevent: curves\ndata: ${JSON.stringify(this.#curves)}\n\n`);
    // Of the first nothing is known that is not old.
    if (isFirst) this.#begin();
    else this.#write(response, stateText(this.#o.snapshot()));
  }

  /** Links or leaders have changed: viewers need not wait for the next look. */
  changed(): void {
    if (this.#streams.size === 0 || this.#changeTimer !== null) return;
    this.#changeTimer = setTimeout(() => {
      this.#changeTimer = null;
      this.#tell(stateText(this.#o.snapshot()));
    }, CHANGE_MS_MIN);
  }

  /** Ends every stream; nobody is let in any more. */
  close(): void {
    this.#closed = true;
    for (const response of this.#streams) response.end();
    this.#streams.clear();
    this.#stop();
  }

  #begin(): void {
    this.#o.begin();
    this.#look();
  }

  #look(): void {
    this.#timer = setTimeout(() => this.#look(), LOOK_MS);
    // While the cluster does not answer a look takes long; another one would only wait beside it.
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#o.look().then((snapshot) => {
      this.#isLooking = false;
      const { filled, p50Ms, p99Ms, lookups } = snapshot.traffic;
      this.#curves.push([filled, p50Ms, p99Ms, lookups]);
      if (this.#curves.length > POINTS_MAX) this.#curves.shift();
      this.#tell(`${stateText(snapshot)}event: point\ndata: ${JSON.stringify(this.#curves.at(-1))}\n\n`);
    });
  }

  #tell(text: string): void {
    for (const response of this.#streams) this.#write(response, text);
  }

  #write(response: EventSink, text: string): void {
    if (response.writableLength > BEHIND_BYTES_MAX) {
      this.#o.log.info({ behindBytes: response.writableLength }, 'a viewer that does not read is dropped');
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
