/** Clocks that go wrong, by libfaketime. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faketimeLibrary } from './capabilities.js';
import type { Hindrance } from './hindrance.js';

/** Has a process's clocks go as `setClock` says. @param clocks whether the monotonic one goes wrong too. */
export function wrongClock(dataDir: string, name: string, clocks: 'wall' | 'all'): Hindrance {
  setClock(dataDir, name, '+0');
  return {
    env: {
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: clockFile(dataDir, name),
      FAKETIME_NO_CACHE: '1',
      ...(clocks === 'wall' ? { FAKETIME_DONT_FAKE_MONOTONIC: '1' } : {}),
    },
  };
}

/** Sets a process's clock. @param time as libfaketime takes it: `+3600` seconds on, `+0 x1.05` at a faster rate. */
export function setClock(dataDir: string, name: string, time: string): void {
  const path = clockFile(dataDir, name);
  writeFileSync(`${path}.new`, time);
  renameSync(`${path}.new`, path);
}

function clockFile(dataDir: string, name: string): string {
  return join(dataDir, `clock-of-${name}`);
}
