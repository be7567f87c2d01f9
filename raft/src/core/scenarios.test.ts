/**
 * Golden scenarios: what members say and do, as text that can be read as an introduction to the protocol. To write
 * what happens now into the files: `node raft/dist/core/scenarios.test.js --rewrite`, and read the difference.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Stage } from './testing/scenario/stage.js';
import { parseScenario, playScenario } from './testing/scenario/text.js';

const FOLDER = fileURLToPath(new URL('../../src/core/scenarios/', import.meta.url));

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
  test(name.replace('.txt', ''), () => {
    const text = readFileSync(FOLDER + name, 'utf8');
    assert.match(text, /^# .*\n/, 'it opens with what it shows');
    const stage = new Stage();
    const played = playScenario(text, (block) => stage.play(block));
    if (process.argv.includes('--rewrite')) writeFileSync(FOLDER + name, played);
    else assert.fixture(text, played);
  });
}

test('a scenario is read as it is written, and what happened is made anew', () => {
  const text = '# Why.\n\ngroup a b\na term=1\n----\nold\n\n# Then.\ntick a\n----\nold\nlines\n';
  assert.equal(
    parseScenario(text).map(({ command, input }) => [command, ...input]),
    [['group a b', 'a term=1'], ['tick a']],
  );
  const played = playScenario(text, ({ command }) => (command === 'tick a' ? [] : ['new']));
  assert.is(played, '# Why.\n\ngroup a b\na term=1\n----\nnew\n\n# Then.\ntick a\n----\nnothing\n');
  assert.is(
    playScenario(played, ({ command }) => (command === 'tick a' ? [] : ['new'])),
    played,
  );
  assert.throws(() => parseScenario('tick a\n'), /no ---- behind: tick a/);
});

test('a command or a member that is none is told', () => {
  const play = (command: string): unknown => new Stage().play({ preamble: [], command, input: [] });
  assert.throws(() => play('dance'), /no command dance/);
  assert.throws(() => play('propose z x'), /no member z/);
});

test.run();
