/** Checks the `--help` pages of processes and commands. Each flag of a process has an environment variable. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './root.js';

const PROCESSES = ['catalog', 'orders', 'frontend'] as const;

/** Commands of trireme that work without a cluster. */
const NO_CLUSTER = ['certificates', 'backup verify'];

/** Flags without an environment variable. */
const NO_VARIABLE = ['--help'];

async function helpOf(script: string, ...args: string[]): Promise<string> {
  const argv = [join(ROOT, script), ...args, '--help'];
  return (await promisify(execFile)(process.execPath, argv, { env: { PATH: process.env['PATH'] ?? '' } }))
    .stdout;
}

/** The text of each flag in a help page, on one line. */
function flagsIn(help: string): Map<string, string> {
  const [, options = ''] = /\nOptions:\n([^]*?)(\n\n|$)/.exec(help) ?? [];
  const items = options.split(/\n(?= {2}-)/).map((item) => item.replace(/\s+/g, ' ').trim());
  return new Map(items.map((item) => [/--[a-z-]+/.exec(item)?.[0] ?? item, item]));
}

/** The commands that a help page lists. */
function commandsIn(help: string): string[] {
  const [, commands = ''] = /\nCommands:\n([^]*?)(\n\n|$)/.exec(help) ?? [];
  const names = commands.split('\n').flatMap((line) => /^ {2}([a-z]+)\b/.exec(line)?.[1] ?? []);
  return names.filter((name) => name !== 'help');
}

for (const name of PROCESSES) {
  test(`--help of ${name} lists every flag with its environment variable`, async () => {
    const flags = flagsIn(await helpOf(`packages/${name}/dist/main.js`));
    assert.ok(flags.size > 10, 'the page was read');
    for (const [flag, text] of flags) {
      if (NO_VARIABLE.includes(flag)) continue;
      const variable = `TRIREME_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
      assert.ok(text.includes(`env: ${variable}`), `${flag} of ${name}: ${text}`);
      assert.match(text, /^(-[a-z], )?--[a-z-]+( <[a-z]+>)? \S.{8}/, `${flag} of ${name} is described`);
    }
  });
}

test('--help of every trireme command lists --json, --data and the exit codes', async () => {
  const pages: (readonly [string, string])[] = [];
  const read = async (...path: string[]): Promise<void> => {
    const help = await helpOf('packages/cli/bin/trireme.js', ...path);
    const commands = commandsIn(help);
    if (commands.length === 0) pages.push([path.join(' '), help]);
    for (const command of commands) await read(...path, command);
  };
  await read();
  assert.ok(pages.length >= 14, `all commands are found: ${pages.map(([path]) => path).join(', ')}`);
  for (const [path, help] of pages) {
    const flags = flagsIn(help);
    for (const flag of NO_CLUSTER.includes(path) ? [] : ['--json', '--data'])
      assert.ok(flags.get(flag)?.includes('env: TRIREME_'), `${path} ${flag}`);
    assert.match(help, /Exit codes:\n +0 +\S/, path);
    for (const [flag, text] of flags)
      assert.match(text, /(<[a-z]+>|--[a-z-]+|-h, --help) \S.{8}/, `${path} ${flag}`);
  }
});

test.run();
