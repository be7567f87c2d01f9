import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findSystemNode } from './system-node.js';

test('findSystemNode finds the first Node on the path outside node_modules', () => {
  const root = mkdtempSync(join(tmpdir(), 'own-node-'));
  const folder = (name: string, hasNode = true): string => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    if (hasNode) writeFileSync(join(path, 'node'), '');
    return path;
  };
  try {
    const ofNpm = folder('project/node_modules/.bin');
    const without = folder('sbin', false);
    const own = folder('bin');
    const later = folder('later');
    assert.is(findSystemNode([ofNpm, without, own, later].join(delimiter)), join(own, 'node'));
    assert.is(findSystemNode([ofNpm, '', without].join(delimiter)), null);
    assert.is(findSystemNode(''), null);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test.run();
