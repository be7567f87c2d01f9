/**
 * Node flags of every Trireme process; the start commands in `infra/` have the same.
 *
 * - `--disallow-code-generation-from-strings`: input can never become code.
 * - `--max-semi-space-size=16` (MiB): keeps the young generation at the size of Node 22; with the 64 MiB of Node 24, V8
 *   collects the whole heap of a replica every few seconds.
 */
export const NODE_FLAGS = [
  '--enable-source-maps',
  '--disallow-code-generation-from-strings',
  '--max-semi-space-size=16',
] as const;
