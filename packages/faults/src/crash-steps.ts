/** The steps of an order's path at which a leader can be made to die, in their order. */
export const CRASH_STEPS = [
  'logged',
  'replicated',
  'committed',
  'sent',
  'decided',
  'answered',
  'settled',
] as const;

export type CrashStep = (typeof CRASH_STEPS)[number];
