/** Clocks that go wrong, by libfaketime and from within. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faketimeLibrary } from './capabilities.js';
import type { Hindrance } from './hindrance.js';

/** Has a process's wall clock stand where `setWallClock` says; its monotonic clock goes right. */
export function jumpyWallClock(dataDir: string, name: string): Hindrance {
  setWallClock(dataDir, name, '+0');
  return { env: { ...faketime(dataDir, name), FAKETIME_DONT_FAKE_MONOTONIC: '1' } };
}

/**
 * Has every clock of a process go at another rate, from its start on.
 *
 * A rate cannot change later: libfaketime multiplies all the time since the process began, so that a change would also
 * have the clock jump by the drift of its whole life so far, and a lease is promised to hold under drift, not under jumps of
 * the monotonic clock, which the kernel does not make.
 *
 * @param rate seconds that the clock counts in a second
 */
export function driftingClock(dataDir: string, name: string, rate: number): Hindrance {
  setWallClock(dataDir, name, `+0 x${rate}`);
  return { env: faketime(dataDir, name) };
}

/** Makes a pause of the process look to it as if its machine had been suspended: see suspending-clock.ts. */
export function suspendingClock(): Hindrance {
  return { env: { NODE_OPTIONS: `--import=${new URL('../suspending-clock.js', import.meta.url).href}` } };
}

/** Sets a process's wall clock. @param time as libfaketime takes it: `+3600` seconds on */
export function setWallClock(dataDir: string, name: string, time: string): void {
  const path = clockFile(dataDir, name);
  writeFileSync(`${path}.new`, time);
  renameSync(`${path}.new`, path);
}

function faketime(dataDir: string, name: string): Record<string, string> {
  return {
    LD_PRELOAD: faketimeLibrary() ?? '',
    FAKETIME_TIMESTAMP_FILE: clockFile(dataDir, name),
    FAKETIME_NO_CACHE: '1',
  };
}

function clockFile(dataDir: string, name: string): string {
  return join(dataDir, `clock-of-${name}`);
}
