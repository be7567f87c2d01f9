#!/usr/bin/env node
// The command as npm finds it before anything is built; what it does is in src/trireme.ts.
import { existsSync } from 'node:fs';

const program = new URL('../dist/trireme.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('error: build it first: npm run build');
  process.exitCode = 1;
}
