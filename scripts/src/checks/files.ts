/** Finds the compiled files of the workspace by their sources: leftovers of deleted sources in `dist` are ignored. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The folders that have their own `src` and `dist`, relative to `root`. */
export function projectFolders(root: string): string[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));
  const others = ['raft', 'raft/sim', 'raft/example', 'scripts', 'bench'];
  return [...others, ...packages, 'packages/frontend/browser']
    .filter((folder) => existsSync(join(root, folder, 'src')))
    .sort();
}

/** A source file and its compiled file, both relative to the root. */
export interface CompiledFile {
  readonly source: string;
  readonly compiled: string;
}

/** Every TypeScript source under `<project>/src/<within>`, sorted by name. */
export function compiledFiles(root: string, project: string, within = ''): CompiledFile[] {
  const folder = join(root, project, 'src', within);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => {
      const source = relative(root, join(folder, name));
      const [prefix, path] = [join(project, 'src') + sep, source.slice(join(project, 'src').length + 1)];
      const compiled = join(project, 'dist', path.replace(/\.tsx?$/, '.js'));
      return { source: prefix + path, compiled };
    });
}

/** Every test file whose path contains one of `filters`; all test files if `filters` is empty. */
export function testFiles(root: string, filters: readonly string[]): CompiledFile[] {
  return projectFolders(root)
    .flatMap((project) => compiledFiles(root, project))
    .filter(({ source }) => source.endsWith('.test.ts'))
    .filter(({ source }) => filters.length === 0 || filters.some((filter) => source.includes(filter)));
}

/** Whether a test file starts real processes, of a cluster or a tool. */
export function isEndToEnd(file: CompiledFile): boolean {
  return file.source.endsWith('.e2e.test.ts');
}

/** Test files by how long they take: `everyday` ones run in every `npm test`, `long` ones in its step `e2e`. */
export type TestSuite = 'everyday' | 'long' | 'all';

/** Whether a test file belongs to a suite: end-to-end tests are long unless their name says `smoke`. */
export function isInSuite(file: CompiledFile, suite: TestSuite): boolean {
  const isLong = isEndToEnd(file) && !file.source.endsWith('.smoke.e2e.test.ts');
  return suite === 'all' || isLong === (suite === 'long');
}
