/** Runs the library's conformance suite on `MemoryStorage`: `node --test storage-conformance.js`. */
import { test } from 'node:test';
import { logStorageConformance } from '@trireme/raft/testing';
import { MemoryStorage, newDisk } from './memory-storage.js';

logStorageConformance({
  test: (name, run) => void test(name, run),
  makeFixture: async () => {
    const disk = newDisk();
    const open = async () => Promise.resolve(new MemoryStorage(disk));
    return Promise.resolve({ open, dispose: async () => Promise.resolve() });
  },
});
