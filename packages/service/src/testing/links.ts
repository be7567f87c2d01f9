/** What the tests of links and servers share. */
import type { Link, LinkHandler } from '../link/link.js';
import { createLog, type Log } from '../log.js';

export interface CapturedLog {
  readonly log: Log;
  readonly lines: string[];
}

/** A log that keeps its lines. */
export function capturedLog(): CapturedLog {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  return { log: createLog({ service: 'test', id: 'test', level: 'debug' }, { write }), lines };
}

/** Waits for a condition, at most five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A handler that keeps what it was told, and may answer. */
export class LinkRecorder implements LinkHandler {
  readonly opens: Link[] = [];
  readonly messages: unknown[] = [];
  readonly closes: string[] = [];
  onOpened: (link: Link) => void = () => undefined;
  onMessage: (link: Link, message: unknown) => void = () => undefined;

  opened(link: Link): void {
    this.opens.push(link);
    this.onOpened(link);
  }

  message(link: Link, message: unknown): void {
    this.messages.push(message);
    this.onMessage(link, message);
  }

  closed(_link: Link, reason: string): void {
    this.closes.push(reason);
  }
}
