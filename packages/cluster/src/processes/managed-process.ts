/** One child process of the supervisor. */
import { spawn, type ChildProcess } from 'node:child_process';
import { ClusterError } from '../errors.js';
import { NODE_FLAGS } from './node-flags.js';
import { LineSplitter } from '../rules/line-splitter.js';

/** Maximum length of an output line, in characters. */
const LINE_LENGTH_MAX = 64 * 1024;

/** How a child process ended. */
export interface ProcessExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether the supervisor had stopped or killed it. */
  readonly expected: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<ProcessExit>;
  expected: boolean;
}

export class ManagedProcess {
  readonly name: string;
  readonly #argv: readonly string[];
  readonly #env: () => Readonly<Record<string, string>>;
  readonly #wrapper: () => readonly string[];
  readonly #onLine: (line: string) => void;
  readonly #onEnd: (end: ProcessExit) => void;
  #running: Running | null = null;

  constructor(options: {
    readonly name: string;
    /** Script and arguments, for `node`. */
    readonly argv: readonly string[];
    /** Variables added to those of this process; called at each start. */
    readonly env: () => Readonly<Record<string, string>>;
    /** Command that runs `node` in its own pid, empty for none; called at each start. */
    readonly wrapper: () => readonly string[];
    /** Receives every line of output, cut at 64 Ki characters. */
    readonly onLine: (line: string) => void;
    readonly onEnd: (end: ProcessExit) => void;
  }) {
    this.name = options.name;
    this.#argv = options.argv;
    this.#env = options.env;
    this.#wrapper = options.wrapper;
    this.#onLine = options.onLine;
    this.#onEnd = options.onEnd;
  }

  /** Its command line without the wrapper. */
  get command(): readonly string[] {
    return [process.execPath, ...NODE_FLAGS, ...this.#argv];
  }

  /** Null while it is down. */
  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** Starts the process. Returns its pid. @throws ClusterError `BAD_PROCESS` if it is up or cannot be started. */
  async start(): Promise<number> {
    if (this.#running !== null) {
      throw new ClusterError('BAD_PROCESS', `${this.name} is already running (process ${this.#running.pid})`);
    }
    const [program = process.execPath, ...argv] = [...this.#wrapper(), ...this.command];
    const child = spawn(program, argv, {
      // The child ends when its standard input closes, so that it cannot outlive a killed supervisor. Its own session
      // keeps a Ctrl-C of the terminal from it: the supervisor decides the order in which processes stop.
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...this.#env() },
    });
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new ClusterError('BAD_PROCESS', `cannot start ${this.name}: ${error.message}`, {
        cause: error,
      });
    }
    child.on('error', (error) => this.#onLine(`cannot send a signal: ${error.message}`));
    // The `close` event reports the end of the process; a broken pipe before it must not end this process.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineSplitter(LINE_LENGTH_MAX);
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => lines.push(text).forEach(this.#onLine));
      stream.on('end', () => lines.end().forEach(this.#onLine));
    }
    const ended = new Promise<ProcessExit>((resolve) => {
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
   * Sends a signal. If it ends the process, waits until the process has ended.
   * @returns the pid of the process.
   * @throws ClusterError `BAD_PROCESS` if it is down.
   */
  async sendSignal(signal: NodeJS.Signals): Promise<number> {
    const running = this.#running;
    if (running === null) throw new ClusterError('BAD_PROCESS', `${this.name} is down`);
    const ends = signal !== 'SIGSTOP' && signal !== 'SIGCONT';
    if (ends) running.expected = true;
    running.child.kill(signal);
    if (ends) await running.ended;
    return running.pid;
  }

  /** Stops the process with SIGTERM, and with SIGKILL if it is still up after `graceMs`. Does nothing if it is down. */
  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    running.expected = true;
    running.child.kill('SIGTERM');
    // A paused process receives SIGTERM only once it is resumed.
    running.child.kill('SIGCONT');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), graceMs);
    await running.ended;
    clearTimeout(timer);
  }
}
