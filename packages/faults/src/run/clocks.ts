/** Faulty clocks, by libfaketime and by a module that is loaded into the process. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faketimeLibrary } from './capabilities.js';
import type { FaultEnvironment } from './fault-environment.js';

/** Lets `setWallClock` change the wall clock of a process; its monotonic clock stays correct. */
export function controllableWallClock(dataDir: string, name: string): FaultEnvironment {
  setWallClock(dataDir, name, '+0');
  return { env: { ...faketime(dataDir, name), FAKETIME_DONT_FAKE_MONOTONIC: '1' } };
}

/**
 * Makes all clocks of a process run at a different rate from its start on.
 *
 * The rate must not change later: libfaketime multiplies the time since the start of the process, so a change
 * would make the monotonic clock jump. Leases are promised to be safe under drift, not under such jumps,
 * which the kernel does not make.
 *
 * @param rate seconds that the clock counts per second
 */
export function driftingClock(dataDir: string, name: string, rate: number): FaultEnvironment {
  setWallClock(dataDir, name, `+0 x${rate}`);
  return { env: faketime(dataDir, name) };
}

/** Makes a pause of the process look like a suspension of its machine: see suspending-clock.ts. */
export function suspendingClock(): FaultEnvironment {
  return { env: { NODE_OPTIONS: `--import=${new URL('../suspending-clock.js', import.meta.url).href}` } };
}

/** Sets the wall clock of a process. @param time in the syntax of libfaketime: `+3600` is one hour ahead */
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
