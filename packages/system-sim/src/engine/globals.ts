/**
 * Clock, timers and chance of the Node process are replaced while a run goes on: whatever code runs, it runs in one of the
 * simulated processes, and gets that one's. So the code of the product runs as it is.
 */

/** A timer as `setTimeout` returns it. */
export interface VirtualTimer {
  unref(): VirtualTimer;
  ref(): VirtualTimer;
  cancel(): void;
}

/** A simulated process as the code in it sees it. */
export interface Platform {
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  timer(ms: number, run: () => void, isRepeated: boolean): VirtualTimer;
  /** Calls `run` at the end of this turn. */
  immediate(run: () => void): void;
}

export interface Surroundings {
  /** The process whose code runs now. @throws Error if none does: then nothing may ask for time. */
  platform(): Platform;
  chance(): number;
}

type Callback = (...args: unknown[]) => void;

/** Replaces them; the result puts back what was there. */
export function installGlobals(around: Surroundings): () => void {
  const undos: (() => void)[] = [];
  const replace = (holder: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    Object.defineProperty(holder, name, { configurable: true, writable: true, value });
    undos.push(() => {
      if (before === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, before);
    });
  };
  const cancel = (timer: VirtualTimer | null | undefined): void => timer?.cancel();
  const starter =
    (isRepeated: boolean) =>
    (run: Callback, ms = 0, ...args: unknown[]): VirtualTimer =>
      around.platform().timer(ms, () => run(...args), isRepeated);
  replace(globalThis, 'setTimeout', starter(false));
  replace(globalThis, 'setInterval', starter(true));
  replace(globalThis, 'setImmediate', (run: Callback, ...args: unknown[]) => {
    around.platform().immediate(() => run(...args));
  });
  replace(globalThis, 'clearTimeout', cancel);
  replace(globalThis, 'clearInterval', cancel);
  replace(performance, 'now', () => around.platform().monotonicMs());
  replace(Date, 'now', () => around.platform().wallMs());
  replace(Math, 'random', () => around.chance());
  return () => {
    for (const undo of undos.reverse()) undo();
  };
}
