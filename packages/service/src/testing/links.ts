/** Helpers for tests of links and servers. */
import type { Link, LinkHandler } from '../link/link.js';
import { createLog, type Log } from '../log.js';

export interface CapturedLog {
  readonly log: Log;
  readonly lines: string[];
}

/** A log that stores its lines. */
export function captureLog(): CapturedLog {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  return { log: createLog({ service: 'test', id: 'test', level: 'debug' }, { write }), lines };
}

/** Waits until a condition is true, for at most 5 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A handler that records its calls, and can answer. */
export class LinkRecorder implements LinkHandler {
  readonly opens: Link[] = [];
  readonly messages: unknown[] = [];
  readonly closes: string[] = [];
  afterOpen: (link: Link) => void = () => undefined;
  afterMessage: (link: Link, message: unknown) => void = () => undefined;

  onOpen(link: Link): void {
    this.opens.push(link);
    this.afterOpen(link);
  }

  onMessage(link: Link, message: unknown): void {
    this.messages.push(message);
    this.afterMessage(link, message);
  }

  onClose(_link: Link, reason: string): void {
    this.closes.push(reason);
  }
}
