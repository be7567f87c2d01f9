import { once, EventEmitter } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WakeTimer } from './wake-timer.js';

test('calls wake once, at the time that was set last and not before it', async () => {
  const events = new EventEmitter();
  const wakes: number[] = [];
  const timer = new WakeTimer(
    () => performance.now(),
    () => {
      wakes.push(performance.now());
      events.emit('wake');
    },
  );
  const start = performance.now();
  timer.set(start + 5);
  timer.set(start + 30);
  await once(events, 'wake');
  assert.ok((wakes[0] ?? 0) >= start + 30);
  timer.set(performance.now() - 5);
  await once(events, 'wake');
  timer.set(performance.now() + 5);
  timer.set(null);
  timer.set(performance.now() + 5);
  timer.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(wakes.length, 2);
});

test.run();
