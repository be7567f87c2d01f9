/** Packs the library as for publication, and does what a stranger does: installs it, compiles the examples and runs them. */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const LIBRARY = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../src', import.meta.url));
const TSC = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'));
const NPM_MS_MAX = 180_000;

/** Errors of npm without a network. */
const UNREACHABLE = /\b(ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT)\b/;

/** What is older than ES modules in packages; the library is for `import` only, also by `require` of Node 20.19. */
const OLD_RESOLUTIONS: readonly string[] = ['node10', 'node16-cjs'];

const run = promisify(execFile);

async function npm(cwd: string, ...argv: string[]): Promise<string> {
  return (await run('npm', argv, { cwd, timeout: NPM_MS_MAX })).stdout;
}

interface Context {
  folder: string;
  archive: string;
  files: readonly string[];
}

const test = suite<Context>('the packed library', { folder: '', archive: '', files: [] });

test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'raft-package-'));
  const packed = await npm(LIBRARY, 'pack', '--json', '--pack-destination', context.folder);
  const [archive] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
  context.archive = join(context.folder, archive?.filename ?? '');
  context.files = archive?.files.map(({ path }) => path) ?? [];
});
test.after(async ({ folder }) => rm(folder, { recursive: true, force: true }));

test('it contains every entry point and no tests', async ({ files }) => {
  const { exports } = JSON.parse(await readFile(join(LIBRARY, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : [entry.types, entry.default],
  );
  for (const file of [...entries, './README.md', './CHANGELOG.md', './LICENSE']) {
    assert.ok(files.includes(file.slice(2)), `${file} is not packed`);
  }
  assert.equal(
    files.filter((file) => /\.test\.|\/testing\/|tsbuildinfo|^(sim|bench|example|docs)\//.test(file)),
    [],
  );
});

test('publint and arethetypeswrong find nothing', async ({ archive }) => {
  const bytes = await readFile(archive);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages } = await publint({ pack: { tarball }, strict: true });
  assert.equal(messages, []);
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  if (!analysis.types) throw new Error('the package has no types');
  const problems = analysis.problems.filter(
    (problem) => !('resolutionKind' in problem) || !OLD_RESOLUTIONS.includes(problem.resolutionKind),
  );
  assert.equal(problems, []);
});

const PACKAGE = { private: true, type: 'module' };
const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
};

test('it installs into an empty project, where the examples compile and run', async ({ folder, archive }) => {
  const home = join(folder, 'home');
  await mkdir(home);
  await writeFile(join(home, 'package.json'), JSON.stringify(PACKAGE));
  await writeFile(join(home, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  await cp(EXAMPLES, join(home, 'src'), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  const { devDependencies } = JSON.parse(await readFile(join(LIBRARY, '../package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const types = `@types/node@${devDependencies['@types/node'] ?? ''}`;
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'];
  try {
    await npm(home, 'install', ...flags, archive, types);
  } catch (error) {
    if (!UNREACHABLE.test(String(error))) throw error;
    console.log('SKIPPED: the dependencies are not in the npm cache, and no registry is reachable');
    return;
  }
  await run(process.execPath, [TSC, '-p', home]).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
  const example = async (...argv: string[]): Promise<string> => {
    const { stdout, stderr } = await run(process.execPath, argv, { cwd: home, timeout: 60_000 });
    assert.is(stderr, '');
    return stdout;
  };
  assert.match(await example('dist/key-value.js'), /^leader stopped, ship: trireme oars: 170$/m);
  assert.match(await example('dist/core-loop.js'), /^c applied: row, ram, board$/m);
  const tests = await example('--test', '--test-reporter=tap', 'dist/storage-conformance.js');
  assert.match(tests, /^# fail 0$/m);
  assert.ok(Number(/^# pass (\d+)$/m.exec(tests)?.[1]) > 20, tests);
  const imports = `console.log(typeof (await import('@trireme/raft/frames')).FrameConnection);
    await import('@trireme/raft/dist/node.js').catch(({ code }) => console.log(code))`;
  const imported = await example('--input-type=module', '-e', imports);
  assert.equal(imported.trim().split('\n'), ['function', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
});

test.run();
