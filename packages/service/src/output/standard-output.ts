/** Line output to standard output, which may be a file, a pipe, a socket of the journal, or a terminal. */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { LineOutput, type LineSink } from './line-output.js';

const STANDARD_OUTPUT = 1;

/** @param describeLost formats the line that reports a number of dropped lines */
export function standardOutput(describeLost: (lines: number) => string): LineOutput {
  return new LineOutput(openSink(), describeLost);
}

function openSink(): LineSink {
  const isFile = fstatSync(STANDARD_OUTPUT).isFile();
  const descriptor = isFile ? STANDARD_OUTPUT : nonBlocking();
  const writeNow = (bytes: Uint8Array): number => writeSync(descriptor, bytes);
  if (isFile) {
    // A write to a file may wait for the disk, so it runs in Node's thread pool.
    return { writeSync: writeNow, write: (bytes, done) => write(descriptor, bytes, done) };
  }
  return {
    writeSync: writeNow,
    write: (bytes, done) => {
      let written: number;
      try {
        written = writeNow(bytes);
      } catch (error) {
        done(error as NodeJS.ErrnoException, 0);
        return;
      }
      done(null, written);
    },
  };
}

/**
 * A descriptor of standard output whose writes fail with EAGAIN instead of blocking. A blocking write in a thread would
 * prevent the process from exiting.
 */
function nonBlocking(): number {
  if (fstatSync(STANDARD_OUTPUT).isFIFO() || isatty(STANDARD_OUTPUT)) {
    try {
      // Reopen it, so that the mode does not change for other processes that share it.
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      return openSync(`/proc/self/fd/${STANDARD_OUTPUT}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch {
      // There is no /proc, or the pipe belongs to another user.
    }
  }
  // Node makes a pipe or socket non-blocking when it creates the stream.
  process.stdout.on('error', () => undefined);
  return STANDARD_OUTPUT;
}
