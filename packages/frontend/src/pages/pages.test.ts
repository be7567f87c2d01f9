/** Rendering of pages, and its effects on the main thread. */
import { triggerAsyncId } from 'node:async_hooks';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withFrontend } from '../testing/fixture.js';
import { renderPages } from './pages.js';

test('renderPages renders both pages with the given properties', async () => {
  const { dashboard, docs } = await renderPages({ servedBy: 'frontend-7', nameLengthMax: 9, quantityMax: 8 });
  for (const page of [dashboard, docs]) assert.match(page, /^<!doctype html><html[^]*<\/html>$/);
  assert.match(dashboard, 'frontend-7');
  assert.match(docs, '/orders/{number}');
});

test('a front-end runs without promise hooks', async () => {
  await withFrontend({}, async () => {
    // Without a promise hook the trigger id is 0 (Node's documentation of promise execution tracking).
    const trigger = await Promise.resolve().then(() => triggerAsyncId());
    assert.is(trigger, 0);
  });
});

test.run();
