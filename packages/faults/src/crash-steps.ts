/** The steps of an order's path at which a leader can crash, in sequence. */
export const CRASH_STEPS = ['logged', 'replicated', 'decided', 'sent', 'revoked', 'answered'] as const;

export type CrashStep = (typeof CRASH_STEPS)[number];
