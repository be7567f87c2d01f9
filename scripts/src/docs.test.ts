/** Checks that the Markdown pages name only existing commands, files, scenarios and versions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { selectSteps } from './checks/steps.js';
import { ROOT } from './root.js';

const README_LINES_MAX = 120;
/** Quoted text in the pages names a check, which is always shorter than this, or a scenario. */
const CHECK_LENGTH_MAX = 30;

function pages(): readonly (readonly [path: string, text: string])[] {
  const listed = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' });
  const paths = listed.split('\n').filter((path) => path !== '' && existsSync(join(ROOT, path)));
  assert.ok(paths.length >= 8);
  return paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]);
}

const PAGES = pages();

function pageAt(path: string): string {
  const found = PAGES.find(([one]) => one === path)?.[1] ?? readFileSync(join(ROOT, path), 'utf8');
  return found;
}

test('the README has at most 120 lines', () => {
  const lines = pageAt('README.md').trimEnd().split('\n').length;
  assert.ok(lines <= README_LINES_MAX, `${lines} lines`);
});

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  for (const [path, text] of PAGES) {
    for (const [, name = ''] of text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)(?! -w)(?! example)/g))
      assert.ok(name in scripts || /-w raft/.test(text), `${path}: npm run ${name}`);
    for (const [, names = ''] of text.matchAll(/npm test -- ([a-z][a-z -]*[a-z])/g))
      assert.ok(selectSteps(names.split(' ')), `${path}: npm test -- ${names}`);
  }
});

test('every link and every path in backticks exists', () => {
  for (const [path, text] of PAGES) {
    for (const [, to = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(ROOT, dirname(path), to)), `${path}: ${to}`);
    for (const [, file = ''] of text.matchAll(/`((?:raft|packages|scripts|infra|bench)\/[\w./-]+\.\w+)`/g))
      assert.ok(existsSync(join(ROOT, file)), `${path}: ${file}`);
  }
});

test('every scenario that a page names exists', () => {
  const folder = join(ROOT, 'packages/faults/src/scenarios');
  const scenarios = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const named = ['docs/PROTOCOL.md', 'docs/PROMISES.md', 'docs/FOUND.md'].flatMap((path) =>
    [...pageAt(path).matchAll(/"([^"\n]*)"/g)].flatMap(([, name = '']) =>
      name.length < CHECK_LENGTH_MAX ? [] : name,
    ),
  );
  assert.ok(named.length > 15);
  for (const name of named) assert.ok(scenarios.includes(name), name);
});

test('UPGRADING.md has the format versions of the code', () => {
  const rows = [...pageAt('docs/UPGRADING.md').matchAll(/\| `([A-Z_]+)` (\d+)(?:, \d+)* +\| (\S+\.ts) /g)];
  assert.ok(rows.length >= 5);
  for (const [, name = '', version = '', file = ''] of rows) {
    const [, inCode] =
      new RegExp(`const ${name} = (\\d+);`).exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
    assert.is(version, inCode, `${name} in ${file}`);
  }
});

test.run();
