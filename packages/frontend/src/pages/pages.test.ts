/** What rendering leaves behind in the thread that serves. */
import { triggerAsyncId } from 'node:async_hooks';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withRig } from '../testing/rig.js';
import { renderPages } from './pages.js';

test('both pages are whole, and say what they were given', async () => {
  const { dashboard, docs } = await renderPages({ servedBy: 'frontend-7', nameLengthMax: 9, quantityMax: 8 });
  for (const page of [dashboard, docs]) assert.match(page, /^<!doctype html><html[^]*<\/html>$/);
  assert.match(dashboard, 'frontend-7');
  assert.match(docs, '/orders/{number}');
});

test('a front-end has no hook on its promises', async () => {
  await withRig({}, async () => {
    // Without a hook a promise has no id of what made it (Node's documentation of promise execution contexts).
    const trigger = await Promise.resolve().then(() => triggerAsyncId());
    assert.is(trigger, 0);
  });
});

test.run();
