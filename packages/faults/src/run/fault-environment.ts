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
  const env = Object.fromEntries(environments.flatMap(({ env: own }) => Object.entries(own ?? {})));
  if (preloaded.length > 0) env['LD_PRELOAD'] = preloaded.join(':');
  return {
    env,
    wrapper: environments.flatMap(({ wrapper }) => wrapper ?? []),
  };
}
