/** Finds the compiled files of the workspace by their sources: what a deleted source left in `dist` is not seen. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The folders with a `src` and a `dist` of their own, relative to `root`. */
export function projectFolders(root: string): string[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));
  const others = ['raft', 'raft/sim', 'raft/bench', 'raft/example', 'scripts', 'bench'];
  return [...others, ...packages, 'packages/frontend/browser']
    .filter((folder) => existsSync(join(root, folder, 'src')))
    .sort();
}

/** A source and what it compiles to, both relative to the root. */
export interface CompiledFile {
  readonly source: string;
  readonly compiled: string;
}

/** Every TypeScript source under `<project>/src/<within>`, in a fixed order. */
export function compiledFiles(root: string, project: string, within = ''): CompiledFile[] {
  const folder = join(root, project, 'src', within);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => {
      const source = relative(root, join(folder, name));
      const [prefix, rest] = [join(project, 'src') + sep, source.slice(join(project, 'src').length + 1)];
      const compiled = join(project, 'dist', rest.replace(/\.tsx?$/, '.js'));
      return { source: prefix + rest, compiled };
    });
}

/** Every test file whose path holds one of `filters` (all of them if there is none). */
export function testFiles(root: string, filters: readonly string[]): CompiledFile[] {
  return projectFolders(root)
    .flatMap((project) => compiledFiles(root, project))
    .filter(({ source }) => source.endsWith('.test.ts'))
    .filter(({ source }) => filters.length === 0 || filters.some((filter) => source.includes(filter)));
}

/** Whether a test file starts the processes of a cluster or of a tool. */
export function isEndToEnd(file: CompiledFile): boolean {
  return file.source.endsWith('.e2e.test.ts');
}
