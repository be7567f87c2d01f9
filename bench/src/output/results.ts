/**
 * The folder of one result. The name of the result prefixes each file, so files of several results can share
 * a folder.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { toCsv, type Table } from '../rules/text.js';
import { BENCH_ROOT } from '../system/session.js';

const RESULTS = join(BENCH_ROOT, 'results');

/** Extensions of the files that `publish` copies. */
const PUBLISHED: ReadonlySet<string> = new Set(['.md', '.json', '.svg']);

/** Pixels of a plot's PNG per pixel of the plot. */
const SCALE = 2;

export class Results {
  readonly #name: string;
  readonly #folder: string;

  #isStarted = false;

  /** @throws RangeError if `name` is not a plain file name, or could be that of a published file. */
  constructor(name: string) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
      throw new RangeError(
        `invalid result name "${name}": use at most 64 letters, digits, dots, dashes and underscores`,
      );
    // The folder of a result replaces what has its name, and published files are next to it.
    if (PUBLISHED.has(extname(name)))
      throw new RangeError(`invalid result name "${name}": it must not end in ${extname(name)}`);
    this.#name = name;
    this.#folder = join(RESULTS, name);
  }

  /** Path relative to the folder in which the command was called. */
  get path(): string {
    return relative(process.env['INIT_CWD'] ?? process.cwd(), this.#folder) || '.';
  }

  csv(what: string, table: Table): void {
    this.#write(`-${what}.csv`, toCsv(table));
  }

  json(value: object): void {
    this.#write('.json', `${JSON.stringify(value, null, 2)}\n`);
  }

  markdown(text: string): void {
    this.#write('.md', `${text.trimEnd()}\n`);
  }

  /** Writes a plot as SVG and PNG. @returns the Markdown image that shows it. */
  async plot(what: string, title: string, spec: TopLevelSpec): Promise<string> {
    const { svg, png } = await renderPlot(spec);
    this.#write(`-${what}.svg`, svg);
    this.#write(`-${what}.png`, png);
    return `![${title}](${this.#name}-${what}.svg)`;
  }

  /** Copies the page, JSON and SVG files to `bench/results`, which is in git. */
  publish(): void {
    for (const file of readdirSync(this.#folder)) {
      if (PUBLISHED.has(extname(file))) copyFileSync(join(this.#folder, file), join(RESULTS, file));
    }
  }

  /** The first file of a run replaces the folder of an earlier one. */
  #write(suffix: string, content: string | Uint8Array): void {
    if (!this.#isStarted) {
      rmSync(this.#folder, { recursive: true, force: true });
      mkdirSync(this.#folder, { recursive: true });
      this.#isStarted = true;
    }
    writeFileSync(join(this.#folder, `${this.#name}${suffix}`), content);
  }
}

/** Renders a plot without a browser. @throws Error if the specification is invalid. */
async function renderPlot(spec: TopLevelSpec): Promise<{ svg: string; png: Uint8Array }> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    const image = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: SCALE },
      font: { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' },
    }).render();
    return { svg, png: image.asPng() };
  } finally {
    view.finalize();
  }
}
