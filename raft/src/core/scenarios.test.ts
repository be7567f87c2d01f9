/**
 * Golden scenarios: messages and state changes of members as text, which also serves as an introduction to the
 * protocol. To update the files, run `node raft/dist/core/scenarios.test.js --rewrite` and review the
 * difference.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ScenarioInterpreter } from './testing/scenario/scenario-interpreter.js';
import { parseScenario, runScenario } from './testing/scenario/scenario-file.js';

const FOLDER = fileURLToPath(new URL('../../src/core/scenarios/', import.meta.url));

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
  test(name.replace('.txt', ''), () => {
    const text = readFileSync(FOLDER + name, 'utf8');
    assert.match(text, /^# .*\n/, 'the first line says what the scenario shows');
    const interpreter = new ScenarioInterpreter();
    const actual = runScenario(text, (block) => interpreter.run(block));
    if (process.argv.includes('--rewrite')) writeFileSync(FOLDER + name, actual);
    else assert.fixture(text, actual);
  });
}

test('runScenario keeps commands and comments and replaces outputs', () => {
  const text = '# Why.\n\ngroup a b\na term=1\n----\nold\n\n# Then.\ntick a\n----\nold\nlines\n';
  assert.equal(
    parseScenario(text).map(({ command, input }) => [command, ...input]),
    [['group a b', 'a term=1'], ['tick a']],
  );
  const actual = runScenario(text, ({ command }) => (command === 'tick a' ? [] : ['new']));
  assert.is(actual, '# Why.\n\ngroup a b\na term=1\n----\nnew\n\n# Then.\ntick a\n----\nnothing\n');
  assert.is(
    runScenario(actual, ({ command }) => (command === 'tick a' ? [] : ['new'])),
    actual,
  );
  assert.throws(() => parseScenario('tick a\n'), /no ---- after command: tick a/);
});

test('run rejects an unknown command and an unknown member', () => {
  const run = (command: string): unknown =>
    new ScenarioInterpreter().run({ preamble: [], command, input: [] });
  assert.throws(() => run('dance'), /unknown command: dance/);
  assert.throws(() => run('propose z x'), /unknown member: z/);
});

test.run();
