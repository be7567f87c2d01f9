/**
 * Required test coverage, by area. Each area is measured separately, so that a well-tested package cannot hide an
 * untested one.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { compiledFiles, projectFolders, type CompiledFile } from './files.js';

/** Minimum coverage of every area, in percent. */
const COVERAGE_MIN = { lines: 95, branches: 90 } as const;

/** A set of files that is measured together. */
export interface CoverageArea {
  readonly name: string;
  readonly files: readonly CompiledFile[];
}

interface Count {
  readonly total: number;
  readonly covered: number;
}

/** The `json-summary` report of c8: counts by source path. */
export type CoverageSummary = Readonly<Record<string, { readonly lines: Count; readonly branches: Count }>>;

/** Coverage of an area, in percent. */
export interface AreaCoverage {
  readonly lines: number;
  readonly branches: number;
  /** Sources that are missing from the report. */
  readonly missing: readonly string[];
}

/** A package that consists of rules alone and so has no `rules` folder. */
const ALL_RULES = join('packages', 'domain');

/** The compiled files of all areas, as patterns. */
export const AREA_GLOBS = [
  'raft/dist/core/**',
  `${ALL_RULES}/dist/**`,
  'packages/*/dist/rules/**',
  'bench/dist/rules/**',
];

/** The consensus core, and the rules of every package and of the benchmarks, including areas without files. */
export function coverageAreas(root: string): CoverageArea[] {
  const folders = projectFolders(root).filter((project) => /^(packages|bench)\b/.test(project));
  const rules = folders.map((project) => ({ project, within: project === ALL_RULES ? '' : 'rules' }));
  return [{ project: 'raft', within: 'core' }, ...rules].map(({ project, within }) => ({
    name: [project, 'src', within].filter((part) => part !== '').join('/'),
    files: compiledFiles(root, project, within)
      .filter(({ source }) => !source.endsWith('.test.ts') && !source.includes('/testing/'))
      .filter(({ compiled }) => hasCode(readFileSync(join(root, compiled), 'utf8'))),
  }));
}

/** Sums up the coverage of an area's files. */
export function areaCoverage(root: string, { files }: CoverageArea, summary: CoverageSummary): AreaCoverage {
  const bySource = new Map(
    Object.entries(summary).map(([path, counts]) => [isAbsolute(path) ? relative(root, path) : path, counts]),
  );
  const found = files.map(({ source }) => bySource.get(source)).filter((counts) => counts !== undefined);
  return {
    lines: percentOf(found.map(({ lines }) => lines)),
    branches: percentOf(found.map(({ branches }) => branches)),
    missing: files.map(({ source }) => source).filter((source) => !bySource.has(source)),
  };
}

/** Whether an area reaches the minimum coverage and all of its files are in the report. */
export function isCovered({ lines, branches, missing }: AreaCoverage): boolean {
  return missing.length === 0 && lines >= COVERAGE_MIN.lines && branches >= COVERAGE_MIN.branches;
}

function percentOf(counts: readonly Count[]): number {
  const total = counts.reduce((sum, count) => sum + count.total, 0);
  const covered = counts.reduce((sum, count) => sum + count.covered, 0);
  return total === 0 ? 100 : (100 * covered) / total;
}

/**
 * Whether compiled JavaScript contains code. No test loads a file that has only types or re-exports, and c8 would count
 * each of its lines as not covered.
 */
export function hasCode(javascript: string): boolean {
  return javascript
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.trim())
    .some((line) => line !== '' && !line.startsWith('//') && !REEXPORT.test(line));
}

const REEXPORT = /^export (\{\}|(\*|\{[^}]*\}) from '[^']+');?$/;
