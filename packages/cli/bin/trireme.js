#!/usr/bin/env node
// Entry point that exists before the first build, as npm needs it for `bin`. The command itself is in src/main.ts.
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('error: trireme is not built: run npm run build first');
  process.exitCode = 1;
}
