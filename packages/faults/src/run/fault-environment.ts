/** Environment variables and wrappers that inject faults into a process. */

/** Applies to a process from its next start on. */
export interface FaultEnvironment {
  readonly env?: Readonly<Record<string, string>>;
  /** Command that runs the process as its argument, and keeps its pid. */
  readonly wrapper?: readonly string[];
}

/** Combines several: all preloaded libraries are loaded, and each wrapper runs the next one. */
export function combineEnvironments(environments: readonly FaultEnvironment[]): FaultEnvironment {
  const preloaded = environments.flatMap(({ env }) => env?.['LD_PRELOAD'] ?? []);
  const variables = environments.flatMap(({ env }) => Object.entries(env ?? {}));
  return {
    env: {
      ...Object.fromEntries(variables),
      ...(preloaded.length > 0 ? { LD_PRELOAD: preloaded.join(':') } : {}),
    },
    wrapper: environments.flatMap(({ wrapper }) => wrapper ?? []),
  };
}
