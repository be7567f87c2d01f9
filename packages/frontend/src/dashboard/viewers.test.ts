import { EventEmitter } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DashboardSnapshot } from '../rules/dashboard/snapshot.js';
import { silentLog, waitUntil } from '../testing/fakes.js';
import { EventStreams, type EventSink } from './event-streams.js';

/** A stream whose reader can stop reading. */
class Sink extends EventEmitter {
  writableLength = 0;
  text = '';
  destroyed = false;
  ended = false;
  /** Whether the reader reads. */
  isRead = true;

  writeHead(): this {
    return this;
  }

  write(text: string): boolean {
    this.text += text;
    if (!this.isRead) this.writableLength += text.length;
    return this.isRead;
  }

  end(): this {
    this.ended = true;
    return this;
  }

  destroy(): this {
    this.destroyed = true;
    this.emit('close');
    return this;
  }

  get sink(): EventSink {
    return this as unknown as EventSink;
  }
}

function viewersOf(snapshotLength: number): { viewers: EventStreams; polls: () => number } {
  let polls = 0;
  const snapshot = {
    verdict: 'x'.repeat(snapshotLength),
    traffic: { filled: 1, p50Ms: 2, p99Ms: null, lookups: 3 },
  } as DashboardSnapshot;
  const viewers = new EventStreams({
    log: silentLog,
    poll: async () => {
      polls += 1;
      return snapshot;
    },
    snapshot: () => snapshot,
    onFirstViewer: () => undefined,
  });
  return { viewers, polls: () => polls };
}

test('a viewer that does not read is disconnected, and others are not', async () => {
  const { viewers } = viewersOf(400_000);
  const [slow, quick] = [new Sink(), new Sink()];
  slow.isRead = false;
  viewers.add(quick.sink, {});
  viewers.add(slow.sink, {});
  await waitUntil(() => slow.destroyed, 'the disconnect');
  assert.ok(slow.writableLength < 2_000_000);
  assert.is(viewers.size, 1);
  assert.not(quick.destroyed);
  viewers.close();
  assert.ok(quick.ended);
  assert.not(viewers.hasRoom);
});

test('all viewers share one poll, and polling stops with the last viewer', async () => {
  const { viewers, polls } = viewersOf(1);
  const sinks = [new Sink(), new Sink(), new Sink()];
  for (const { sink } of sinks) viewers.add(sink, {});
  await waitUntil(() => polls() === 2, 'two polls');
  for (const sink of sinks) sink.destroy();
  assert.is(viewers.size, 0);
  const late = new Sink();
  viewers.add(late.sink, {});
  await waitUntil(() => late.text.includes('event: point'), 'a poll for the new viewer');
  assert.match(late.text, /^retry: 1000\n\nevent: curves\ndata: \[\]\n\n/, 'the curves start empty');
  assert.is(polls(), 3);
  late.destroy();
});

test('changed sends a state without a poll, and merges several changes into one', async () => {
  const { viewers, polls } = viewersOf(1);
  viewers.onClusterChange();
  const sink = new Sink();
  viewers.add(sink.sink, {});
  await waitUntil(() => sink.text.includes('event: point'), 'the first poll');
  const before = sink.text.split('event: state').length;
  for (let i = 0; i < 5; i += 1) viewers.onClusterChange();
  await waitUntil(() => sink.text.split('event: state').length > before, 'the change');
  assert.is(sink.text.split('event: state').length, before + 1);
  assert.ok(polls() <= 2);
  viewers.close();
});

test.run();
