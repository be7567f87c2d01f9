/** One child of the supervisor: started, signalled, and heard of when it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { ClusterError } from './errors.js';
import { NODE_FLAGS } from './node-flags.js';
import { LineSplitter } from './rules/line-splitter.js';

/** Characters of one line of a child's output at most. */
const LINE_LENGTH_MAX = 64 * 1024;

/** How a child ended. */
export interface ProcessEnd {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether its supervisor had asked for it. */
  readonly expected: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  expected: boolean;
}

export class ManagedProcess {
  readonly name: string;
  readonly #argv: readonly string[];
  readonly #env: () => Readonly<Record<string, string>>;
  readonly #wrapper: () => readonly string[];
  readonly #onLine: (line: string) => void;
  readonly #onEnd: (end: ProcessEnd) => void;
  #running: Running | null = null;

  constructor(options: {
    readonly name: string;
    /** Script and arguments, for `node`. */
    readonly argv: readonly string[];
    /** Variables beside those of this process; asked for at each start. */
    readonly env: () => Readonly<Record<string, string>>;
    /** A command that runs `node` in its own pid; asked for at each start, nothing for none. */
    readonly wrapper: () => readonly string[];
    /** Gets every line of output, of at most 64 Ki characters. */
    readonly onLine: (line: string) => void;
    readonly onEnd: (end: ProcessEnd) => void;
  }) {
    this.name = options.name;
    this.#argv = options.argv;
    this.#env = options.env;
    this.#wrapper = options.wrapper;
    this.#onLine = options.onLine;
    this.#onEnd = options.onEnd;
  }

  /** What runs it, without what wraps it. */
  get command(): readonly string[] {
    return [process.execPath, ...NODE_FLAGS, ...this.#argv];
  }

  /** Null while it is down. */
  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** Starts it and gives its pid. @throws ClusterError `BAD_PROCESS` if it is up or cannot be started. */
  async start(): Promise<number> {
    if (this.#running !== null) {
      throw new ClusterError('BAD_PROCESS', `${this.name} is running (process ${this.#running.pid})`);
    }
    const [program = process.execPath, ...argv] = [...this.#wrapper(), ...this.command];
    const child = spawn(program, argv, {
      // The child ends when its input does, so that it cannot outlive a supervisor that was killed. Its own
      // session keeps a terminal's Ctrl-C from it: the supervisor alone decides in which order all stop.
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...this.#env() },
    });
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new ClusterError('BAD_PROCESS', `${this.name} cannot be started: ${error.message}`, {
        cause: error,
      });
    }
    child.on('error', (error) => this.#onLine(`cannot be signalled: ${error.message}`));
    // The end of a process is told by its exit: a pipe that breaks before is no news, and must not end this process.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineSplitter(LINE_LENGTH_MAX);
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => lines.push(text).forEach(this.#onLine));
      stream.on('end', () => lines.end().forEach(this.#onLine));
    }
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once('close', (code, signal) => {
        const end = { pid, code, signal, expected: this.#running?.expected ?? false };
        this.#running = null;
        this.#onEnd(end);
        resolve(end);
      });
    });
    this.#running = { child, pid, ended, expected: false };
    return pid;
  }

  /**
   * Sends a signal; of one that ends the process, waits for the end.
   * @returns the pid that got it.
   * @throws ClusterError `BAD_PROCESS` if it is down.
   */
  async signal(signal: NodeJS.Signals): Promise<number> {
    const running = this.#running;
    if (running === null) throw new ClusterError('BAD_PROCESS', `${this.name} is down`);
    const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT';
    if (ends) running.expected = true;
    running.child.kill(signal);
    if (ends) await running.ended;
    return running.pid;
  }

  /** Ends it: SIGTERM, and SIGKILL if it still lives after `graceMs`. Does nothing if it is down. */
  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    running.expected = true;
    running.child.kill('SIGTERM');
    // A paused process gets its SIGTERM only when it goes on.
    running.child.kill('SIGCONT');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), graceMs);
    await running.ended;
    clearTimeout(timer);
  }
}
