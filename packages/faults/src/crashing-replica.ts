/**
 * An order replica that kills itself with SIGKILL at one step of an order's path. It is the product's own replica,
 * watched from outside: where the file named by `TRIREME_CRASH_FILE` appears with the name of a step in it, the first
 * leader that comes to that step takes the file away and dies.
 */
import { readFileSync, renameSync } from 'node:fs';
import { decodeBatch } from '@trireme/domain';
import { main, type ReplicaObserver } from '@trireme/orders';
import type { Entry, LogStorage, Message, Transport, TransportHandler } from '@trireme/raft';
import type { CrashStep } from './crash-steps.js';

const file = process.env['TRIREME_CRASH_FILE'] ?? '';

function reached(step: CrashStep): void {
  let wanted: string;
  try {
    wanted = readFileSync(file, 'utf8');
    if (wanted !== step) return;
    renameSync(file, `${file}.taken`);
  } catch {
    // There is no such file: nothing is wanted, or another replica was first.
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

/** Whether this replica has last spoken as a leader, and the log index of the order that it logged last. */
const leader = { speaks: false, placedIndex: 0 };

function placesOrder(entry: Entry): boolean {
  return entry.kind === 'command' && decodeBatch(entry.data).commands.length > 0;
}

function watchStorage(storage: LogStorage): LogStorage {
  return {
    hardState: () => storage.hardState(),
    base: () => storage.base(),
    lastIndex: () => storage.lastIndex(),
    term: (index) => storage.term(index),
    entries: (low, high, bytesMax) => storage.entries(low, high, bytesMax),
    lastMembership: (index) => storage.lastMembership(index),
    compact: async (base) => storage.compact(base),
    close: async () => storage.close(),
    persist: async (batch) => {
      await storage.persist(batch);
      if (leader.speaks && batch.entries.some(placesOrder)) reached('logged');
    },
  };
}

function watchTransport(transport: Transport): Transport {
  return {
    start: async (handler) => transport.start(watchHandler(handler)),
    stop: async () => transport.stop(),
    peers: () => transport.peers(),
    addPeer: (peer, address) => transport.addPeer(peer, address),
    removePeer: (peer) => transport.removePeer(peer),
    send: (message) => {
      if (message.type === 'appendRequest' || message.type === 'heartbeat') leader.speaks = true;
      if (message.type === 'appendAccepted') leader.speaks = false;
      if (message.type === 'appendRequest') {
        for (const entry of message.entries) if (placesOrder(entry)) leader.placedIndex = entry.index;
      }
      transport.send(message);
    },
    sendSnapshot: async (snapshot, signal) => transport.sendSnapshot(snapshot, signal),
  };
}

function watchHandler(handler: TransportHandler): TransportHandler {
  return {
    message: (message: Message) => {
      const { placedIndex } = leader;
      const isAck = message.type === 'appendAccepted' && placedIndex > 0 && message.match >= placedIndex;
      if (isAck && leader.speaks) reached('replicated');
      handler.message(message);
    },
    unreachable: (peer) => handler.unreachable(peer),
    linkLost: (peer) => handler.linkLost(peer),
    snapshot: async (snapshot) => handler.snapshot(snapshot),
  };
}

const observer: ReplicaObserver = {
  storage: watchStorage,
  transport: watchTransport,
  onStep: (step) => {
    // What was sent in this turn leaves the process at its end: die after that, or nothing was sent.
    const isSending = step === 'sent' || step === 'answered';
    if (isSending) setImmediate(() => setImmediate(() => reached(step)));
    else reached(step);
  },
};

await main(observer);
