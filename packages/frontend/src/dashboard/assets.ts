/** Static files of the pages, read once at start-up: serving them needs no disk access and no path handling. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** All files that pages may load. */
const FILES = {
  'dashboard.css': { folder: '../../browser/', type: 'text/css; charset=utf-8' },
  'docs.css': { folder: '../../browser/', type: 'text/css; charset=utf-8' },
  'icon.svg': { folder: '../../browser/', type: 'image/svg+xml' },
  'dom.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'format.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'group-layout.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'group.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'main.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'order-form.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'stream.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'tables.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'tiles.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
} as const;

export interface Asset {
  readonly body: string;
  readonly type: string;
  /** A strong entity tag. */
  readonly etag: string;
}

/**
 * Reads all files.
 * @returns the files by the name under which they are served.
 * @throws the system error if one is missing, for example if `packages/frontend/browser` was not built.
 */
export function readAssets(): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(FILES).map(([name, { folder, type }]) => {
      const body = readFileSync(new URL(folder + name, import.meta.url), 'utf8');
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [name, { body, type, etag }];
    }),
  );
}
