/**
 * Replaces the clocks, timers and randomness of the Node process during a run with those of the simulated
 * process whose code runs. So the product's code runs unchanged.
 */

/** A timer as `setTimeout` returns it. */
export interface VirtualTimer {
  unref(): VirtualTimer;
  ref(): VirtualTimer;
  cancel(): void;
}

/** Clocks and timers of a simulated process. */
export interface ProcessClocks {
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  timer(ms: number, run: () => void, isRepeated: boolean): VirtualTimer;
  /** Calls `run` at the end of the current turn. */
  immediate(run: () => void): void;
}

export interface GlobalsSource {
  /** The process whose code runs now. @throws Error if no code of a process runs */
  currentProcess(): ProcessClocks;
  randomNumber(): number;
}

type Callback = (...args: unknown[]) => void;

/** Replaces the global functions. The result restores them. */
export function installGlobals(source: GlobalsSource): () => void {
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
      source.currentProcess().timer(ms, () => run(...args), isRepeated);
  replace(globalThis, 'setTimeout', starter(false));
  replace(globalThis, 'setInterval', starter(true));
  replace(globalThis, 'setImmediate', (run: Callback, ...args: unknown[]) => {
    source.currentProcess().immediate(() => run(...args));
  });
  replace(globalThis, 'clearTimeout', cancel);
  replace(globalThis, 'clearInterval', cancel);
  replace(performance, 'now', () => source.currentProcess().monotonicMs());
  replace(Date, 'now', () => source.currentProcess().wallMs());
  replace(Math, 'random', () => source.randomNumber());
  return () => {
    for (const undo of undos.reverse()) undo();
  };
}
