/**
 * An order replica that kills itself with SIGKILL at one step of an order's path. It runs the product's
 * replica with observers around its storage and transport. When the file `TRIREME_CRASH_FILE` contains the
 * name of a step, the first leader that reaches this step renames the file and dies.
 */
import { readFileSync, renameSync } from 'node:fs';
import { decodeBatch } from '@trireme/domain';
import { main, type ReplicaObserver } from '@trireme/orders';
import {
  withPersist,
  type Entry,
  type LogStorage,
  type Message,
  type Transport,
  type TransportHandler,
} from '@trireme/raft';
import type { CrashStep } from './crash-point.js';

const file = process.env['TRIREME_CRASH_FILE'] ?? '';

/** Crashes if a crash at this step is requested. */
function crashAt(step: CrashStep): void {
  try {
    if (readFileSync(file, 'utf8') !== step) return;
    renameSync(file, `${file}.taken`);
  } catch {
    // No crash is requested, or another replica was first.
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

/** Whether this replica last sent a message as leader, and the log index of the last order that it sent. */
const leader = { isActive: false, orderIndex: 0 };

function containsOrder(entry: Entry): boolean {
  return entry.kind === 'command' && decodeBatch(entry.data).commands.length > 0;
}

function observeStorage(storage: LogStorage): LogStorage {
  return withPersist(storage, async (batch) => {
    await storage.persist(batch);
    if (leader.isActive && batch.entries.some(containsOrder)) crashAt('logged');
  });
}

function observeTransport(transport: Transport): Transport {
  return {
    start: async (handler) => transport.start(observeHandler(handler)),
    stop: async () => transport.stop(),
    peers: () => transport.peers(),
    addPeer: (peer, address) => transport.addPeer(peer, address),
    removePeer: (peer) => transport.removePeer(peer),
    send: (message) => {
      if (message.type === 'appendRequest' || message.type === 'heartbeat') leader.isActive = true;
      if (message.type === 'appendAccepted') leader.isActive = false;
      if (message.type === 'appendRequest') {
        for (const entry of message.entries) if (containsOrder(entry)) leader.orderIndex = entry.index;
      }
      transport.send(message);
    },
    sendSnapshot: async (snapshot, signal) => transport.sendSnapshot(snapshot, signal),
  };
}

function observeHandler(handler: TransportHandler): TransportHandler {
  return {
    onMessage: (message: Message) => {
      const { orderIndex } = leader;
      const isAck = message.type === 'appendAccepted' && orderIndex > 0 && message.match >= orderIndex;
      if (isAck && leader.isActive) crashAt('replicated');
      handler.onMessage(message);
    },
    onUnreachable: (peer) => handler.onUnreachable(peer),
    onLinkLost: (peer) => handler.onLinkLost(peer),
    onSnapshot: async (snapshot) => handler.onSnapshot(snapshot),
  };
}

const observer: ReplicaObserver = {
  storage: observeStorage,
  transport: observeTransport,
  onStep: (step) => {
    // Frames leave the process at the end of the turn, so the replica dies after that.
    const isSending = step === 'sent' || step === 'answered';
    if (isSending) setImmediate(() => setImmediate(() => crashAt(step)));
    else crashAt(step);
  },
};

await main(observer);
