/**
 * Node flags of every Trireme process; the start commands in `infra/` have the same.
 *
 * - `--disallow-code-generation-from-strings`: input can never become code.
 * - `--max-semi-space-size=16` (MiB, the default up to Node 22): V8 starts a full collection once the heap may grow by
 *   less than a semi-space. With the 64 MiB of Node 24 a replica does so every few seconds and frees almost nothing.
 * - `--no-parallel-scavenge`: a minor collection moves only a megabyte or two. With more processes than cores, waiting
 *   for helper threads takes longer than they save.
 * - `--no-allocation-site-pretenuring`: under load V8 would otherwise allocate objects that live as long as an order in
 *   the old generation. Dead objects there keep all that they refer to alive through every minor collection.
 * - `--heap-growing-percent=200`: the heap may triple between two full collections. By default V8 lets a small heap grow
 *   by only 8 MiB, and full collections every few seconds delay the orders of a replica by tens of milliseconds.
 */
export const NODE_FLAGS = [
  '--enable-source-maps',
  '--disallow-code-generation-from-strings',
  '--max-semi-space-size=16',
  '--no-parallel-scavenge',
  '--no-allocation-site-pretenuring',
  '--heap-growing-percent=200',
] as const;
