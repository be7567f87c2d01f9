/**
 * The event stream of cluster states. It reconnects for as long as the page is open, even if the browser
 * would give up, and even if the connection stays open without events: a paused process does not close it.
 */
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import type { CurvePoint } from '../../src/dashboard/event-streams.js';

/**
 * States arrive every half second. The connection counts as lost after this time without one, in
 * milliseconds.
 */
const SILENCE_MS = 3_000;
/** Milliseconds between two attempts. */
const REDIAL_MS = 1_000;

interface StreamHandler {
  readonly state: (snapshot: DashboardSnapshot) => void;
  readonly curves: (points: readonly CurvePoint[]) => void;
  readonly point: (point: CurvePoint) => void;
  readonly lost: () => void;
}

/** Keeps the stream open and passes its events to the handler. */
export function openEventStream(handler: StreamHandler): void {
  let source: EventSource | null = null;
  let watchdog = 0;
  let redial = 0;

  const lose = (): void => {
    source?.close();
    source = null;
    clearTimeout(watchdog);
    clearTimeout(redial);
    handler.lost();
    redial = window.setTimeout(dial, REDIAL_MS);
  };
  const alive = (): void => {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(lose, SILENCE_MS);
  };
  const dial = (): void => {
    const opened = new EventSource('/dashboard/stream');
    source = opened;
    alive();
    opened.onerror = lose;
    opened.addEventListener('state', (event) => {
      alive();
      handler.state(JSON.parse(textOf(event)) as DashboardSnapshot);
    });
    opened.addEventListener('curves', (event) =>
      handler.curves(JSON.parse(textOf(event)) as readonly CurvePoint[]),
    );
    opened.addEventListener('point', (event) => handler.point(JSON.parse(textOf(event)) as CurvePoint));
  };
  dial();
}

function textOf(event: MessageEvent): string {
  return String(event.data);
}
