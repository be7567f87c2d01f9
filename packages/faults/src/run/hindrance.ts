/** What makes life hard for a process from within. */

/** What a process is started with from its next start on. */
export interface Hindrance {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the process in its own pid. */
  readonly wrapper?: readonly string[];
}

/** Several at once: preloaded libraries are all loaded, wrappers run one in the other. */
export function together(hindrances: readonly Hindrance[]): Hindrance {
  const preloaded = hindrances.flatMap(({ env }) => env?.['LD_PRELOAD'] ?? []);
  const variables = hindrances.flatMap(({ env }) => Object.entries(env ?? {}));
  return {
    env: {
      ...Object.fromEntries(variables),
      ...(preloaded.length > 0 ? { LD_PRELOAD: preloaded.join(':') } : {}),
    },
    wrapper: hindrances.flatMap(({ wrapper }) => wrapper ?? []),
  };
}
