/** Standard output as lines, whatever it is: a file, a pipe, a socket of the journal, a terminal. */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { LineOutput, type LineSink } from './line-output.js';

const STANDARD_OUTPUT = 1;

/** @param describeLost a line that stands for so many that were left out */
export function standardOutput(describeLost: (lines: number) => string): LineOutput {
  return new LineOutput(sinkOf(), describeLost);
}

function sinkOf(): LineSink {
  const isFile = fstatSync(STANDARD_OUTPUT).isFile();
  const descriptor = isFile ? STANDARD_OUTPUT : nonBlocking();
  const writeNow = (bytes: Uint8Array): number => writeSync(descriptor, bytes);
  if (isFile) {
    // A file's write may wait for its disk, so that a thread does it.
    return { writeNow, write: (bytes, done) => write(descriptor, bytes, done) };
  }
  return {
    writeNow,
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
 * Standard output as a descriptor whose writes fail with EAGAIN where they would wait. A thread could wait instead, but not
 * end: the process could not end either.
 */
function nonBlocking(): number {
  if (fstatSync(STANDARD_OUTPUT).isFIFO() || isatty(STANDARD_OUTPUT)) {
    try {
      // Opened once more, it is changed for this process alone, and not for who shares it.
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      return openSync(`/proc/self/fd/${STANDARD_OUTPUT}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch {
      // There is no /proc, or the pipe belongs to another user.
    }
  }
  // Node makes a pipe or socket non-blocking when its stream is made.
  process.stdout.on('error', () => undefined);
  return STANDARD_OUTPUT;
}
