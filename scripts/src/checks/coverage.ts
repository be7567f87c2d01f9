/**
 * Which code must be covered, area by area. The rules are measured each on its own, so that a well-tested package
 * cannot hide an untested one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiledFiles, projectFolders } from './files.js';

/** Least coverage of every area, in percent. */
export const COVERAGE_MIN = { lines: 95, branches: 90 } as const;

/** One area: compiled files, relative to the root, that c8 maps back to their sources. */
export interface CoverageArea {
  readonly name: string;
  readonly files: readonly string[];
}

/** Rules from end to end, so that they have no folder of their own. */
const ALL_RULES = join('packages', 'domain');

/** The consensus core, and the rules of every package and of the benchmarks, those without files included. */
export function coverageAreas(root: string): CoverageArea[] {
  const folders = projectFolders(root).filter((project) => /^(packages|bench)\b/.test(project));
  const rules = folders.map((project) => ({ project, within: project === ALL_RULES ? '' : 'rules' }));
  return [{ project: 'raft', within: 'core' }, ...rules].map(({ project, within }) => ({
    name: [project, 'src', within].filter((part) => part !== '').join('/'),
    files: compiledFiles(root, project, within)
      .filter(({ source }) => !source.endsWith('.test.ts') && !source.includes('/testing/'))
      .map(({ compiled }) => compiled)
      .filter((file) => hasCode(readFileSync(join(root, file), 'utf8'))),
  }));
}

/**
 * Whether compiled JavaScript does anything. A file of types alone, or one that only passes on exports, is never
 * loaded by a test, and c8 would count every line of it as not covered.
 */
export function hasCode(javascript: string): boolean {
  return javascript
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.trim())
    .some((line) => line !== '' && !line.startsWith('//') && !PASSES_ON.test(line));
}

const PASSES_ON = /^export (\{\}|(\*|\{[^}]*\}) from '[^']+');?$/;
