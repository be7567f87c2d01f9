import { EventEmitter } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DashboardSnapshot } from '../rules/dashboard/snapshot.js';
import { silentLog, until } from '../testing/fakes.js';
import { Viewers, type EventSink } from './viewers.js';

/** A stream whose reader takes as much as the test lets it. */
class Sink extends EventEmitter {
  writableLength = 0;
  text = '';
  destroyed = false;
  ended = false;
  /** Whether somebody reads. */
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

function viewersOf(snapshotLength: number): { viewers: Viewers; looks: () => number } {
  let looks = 0;
  const snapshot = {
    verdict: 'x'.repeat(snapshotLength),
    traffic: { filled: 1, p50Ms: 2, p99Ms: null, lookups: 3 },
  } as DashboardSnapshot;
  const viewers = new Viewers({
    log: silentLog,
    look: async () => {
      looks += 1;
      return snapshot;
    },
    snapshot: () => snapshot,
    begin: () => undefined,
  });
  return { viewers, looks: () => looks };
}

test('a viewer that does not read is dropped, and the others are not', async () => {
  const { viewers } = viewersOf(400_000);
  const [slow, quick] = [new Sink(), new Sink()];
  slow.isRead = false;
  viewers.add(quick.sink, {});
  viewers.add(slow.sink, {});
  await until(() => slow.destroyed, 'the drop');
  assert.ok(slow.writableLength < 2_000_000);
  assert.is(viewers.size, 1);
  assert.not(quick.destroyed);
  viewers.close();
  assert.ok(quick.ended);
  assert.not(viewers.hasRoom);
});

test('all viewers share one look, and nobody looks once the last one has gone', async () => {
  const { viewers, looks } = viewersOf(1);
  const sinks = [new Sink(), new Sink(), new Sink()];
  for (const { sink } of sinks) viewers.add(sink, {});
  await until(() => looks() === 2, 'two looks');
  for (const sink of sinks) sink.destroy();
  assert.is(viewers.size, 0);
  const late = new Sink();
  viewers.add(late.sink, {});
  await until(() => late.text.includes('event: point'), 'a look of a new watch');
  assert.match(late.text, /^retry: 1000\n\nevent: curves\ndata: \[\]\n\n/, 'the curves begin anew');
  assert.is(looks(), 3);
  late.destroy();
});

test('a change is told without a look, many at once as one', async () => {
  const { viewers, looks } = viewersOf(1);
  viewers.changed();
  const sink = new Sink();
  viewers.add(sink.sink, {});
  await until(() => sink.text.includes('event: point'), 'the first look');
  const before = sink.text.split('event: state').length;
  for (let i = 0; i < 5; i += 1) viewers.changed();
  await until(() => sink.text.split('event: state').length > before, 'the change');
  assert.is(sink.text.split('event: state').length, before + 1);
  assert.ok(looks() <= 2);
  viewers.close();
});

test.run();
