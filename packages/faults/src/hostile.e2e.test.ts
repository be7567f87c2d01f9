/** A part of the assault that `npm run hostile` carries out whole. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assault } from './hostile/assault.js';
import type { AttackResult } from './rules/assault.js';
import { holds } from './rules/verdict.js';
import { play } from './run/play.js';

const test = suite('hostile input');

test('each is refused or cut off, no order fails, and nothing else is in the books', async () => {
  const attacks: AttackResult[] = [];
  const results = join(tmpdir(), `trireme-hostile-${process.pid}`);
  const scenario = assault({ every: 11, slow: false, onResult: (result) => attacks.push(result) });
  const { verdicts, folder } = await play(scenario, { seed: 1, results });
  assert.equal(
    verdicts.filter((verdict) => !holds(verdict)),
    [],
    `history and logs: ${folder}`,
  );
  assert.equal([...new Set(attacks.map(({ port }) => port))].sort(), [
    'catalog',
    'control',
    'peer',
    'public',
    'replica',
  ]);
  rmSync(results, { recursive: true });
});

test.run();
