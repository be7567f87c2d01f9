/**
 * Defines which part may import which; `npm test -- layers` checks it. An import by the name of a package resolves to its
 * dist/, so rules about other packages match both src/ and dist/.
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'imports form no cycle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'raft-standalone',
      comment: 'raft/ is a separate library and imports nothing of packages/, scripts/ or bench/',
      severity: 'error',
      from: { path: '^raft/' },
      to: { path: '^(packages|scripts|bench)/' },
    },
    {
      name: 'raft-not-to-sim',
      comment: 'the library does not import its simulator',
      severity: 'error',
      from: { path: '^raft/src/' },
      to: { path: '^raft/sim/' },
    },
    {
      name: 'raft-sim-public-api',
      comment:
        'the simulator uses the public entry points of the library; what it needs beyond them is listed in internals.ts',
      severity: 'error',
      from: { path: '^raft/sim/src/', pathNot: '(\\.test\\.ts$|/internals\\.ts$)' },
      to: { path: '^raft/(src|dist)/(?!(index|testing)\\.(ts|js|d\\.ts)$)' },
    },
    {
      name: 'raft-sim-no-io',
      comment: 'what happens in a simulated run does no I/O: only starting runs, and planting bugs, may',
      severity: 'error',
      from: { path: '^raft/sim/src/', pathNot: '(\\.test\\.ts$|/(run|planted)/|/main\\.ts$)' },
      to: { pathNot: '^(raft/|(node:)?zlib$)' },
    },
    {
      name: 'raft-core-pure',
      comment:
        'the consensus core does no I/O and reads no clock: it imports only itself, and crc32 of node:zlib',
      severity: 'error',
      from: { path: '^raft/src/core/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { pathNot: '^(raft/src/core/|(node:)?zlib$)' },
    },
    {
      name: 'rules-pure',
      comment:
        'rules take values and return effects: adapters call rules, never the other way round; types do nothing',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/rules/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: {
        pathNot:
          '^(packages/$1/src/rules/|packages/(domain|state-machine|coherence)/|(node:)?(zlib|crypto)$|node_modules/mnemonist/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'not-to-scripts',
      comment: 'nothing outside scripts/ imports it',
      severity: 'error',
      from: { pathNot: '^scripts/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'not-to-cli',
      comment: "only the fault suite and the npm scripts use parts of the operator's command",
      severity: 'error',
      from: { pathNot: '^(packages/(cli|faults)|scripts)/' },
      to: { path: '^packages/cli/' },
    },
    {
      name: 'domain-no-dependencies',
      comment: 'domain imports no other package',
      severity: 'error',
      from: { path: '^packages/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(packages/(?!domain)|raft|scripts)' },
    },
    {
      name: 'service-not-to-services',
      comment: 'service knows none of the services that it is made for',
      severity: 'error',
      from: { path: '^packages/service/' },
      to: { path: '^packages/(?!(service|domain)/)' },
    },
    {
      name: 'services-not-to-services',
      comment: 'catalog, orders and frontend know each other only by the frames of domain',
      severity: 'error',
      from: { path: '^packages/(catalog|orders|frontend)/' },
      to: { path: '^packages/(?!($1|service|domain|state-machine|coherence)/)' },
    },
    {
      name: 'state-machine-pure',
      comment: 'the state depends only on the log: no I/O, no clock, no randomness',
      severity: 'error',
      from: { path: '^packages/state-machine/src/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { pathNot: '^(packages/(state-machine/src|domain)/|(node:)?crypto$)' },
    },
    {
      name: 'not-to-raft',
      comment: 'these packages use at most the frames of raft',
      severity: 'error',
      from: { path: '^packages/(catalog|frontend|client|cluster|service)/' },
      to: { path: '^raft/(src|dist)/(?!frames/)' },
    },
    {
      name: 'bench-public-api',
      comment:
        'benchmarks start a cluster and send HTTP requests, or use the public entry points of the Raft library',
      severity: 'error',
      from: { path: '^bench/' },
      to: {
        path: '^scripts/|^raft/(?!(src|dist)/(index|level|http)\\.(ts|js|d\\.ts)$)|^packages/(?!(cluster|client|domain)/(src|dist)/index\\.(ts|js|d\\.ts)$)',
      },
    },
    {
      name: 'bench-rules-pure',
      comment:
        'statistics, schedules, parsers, pages and plots: no I/O, no clock; only the types of vega-lite',
      severity: 'error',
      from: { path: '^bench/src/rules/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot:
          '^(bench/src/rules/|packages/domain/|node_modules/hdr-histogram-js/|node_modules/vega-lite/)',
      },
    },
    {
      name: 'not-to-bench',
      comment: 'nothing outside bench/ imports it',
      severity: 'error',
      from: { pathNot: '^bench/' },
      to: { path: '^bench/' },
    },
    {
      name: 'browser-standalone',
      comment: 'code for the browser imports only types of the server',
      severity: 'error',
      from: { path: '^packages/frontend/browser/src/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/frontend/browser/src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'system-sim-no-io',
      comment: 'what happens in a simulated run does no I/O: only starting runs, and planting bugs, may',
      severity: 'error',
      from: {
        path: '^packages/system-sim/src/',
        pathNot: '(\\.test\\.ts$|/planted/|/main\\.ts$|/run-worker\\.ts$)',
      },
      to: { pathNot: '^(raft/|packages/|(node:)?util$)' },
    },
    {
      name: 'not-to-system-sim',
      comment: 'nothing outside packages/system-sim imports it',
      severity: 'error',
      from: { pathNot: '^packages/system-sim/' },
      to: { path: '^packages/system-sim/' },
    },
    {
      name: 'not-to-simulation-entry',
      comment:
        'the internals that a service exports in simulation.ts are only for the simulator of the system',
      severity: 'error',
      from: { pathNot: '^packages/(system-sim/|[^/]+/src/simulation\\.ts)' },
      to: { path: '^packages/[^/]+/(src|dist)/simulation\\.' },
    },
    {
      name: 'not-to-package-internals',
      comment: 'a package uses the index of another package, and its proxy for tests',
      severity: 'error',
      from: { path: '^packages/([^/]+)/', pathNot: '^packages/system-sim/' },
      to: {
        path: '^packages/([^/]+)/(src|dist)/(?!(index|testing/test-proxy)\\.(ts|js|d\\.ts)$)',
        pathNot: '^packages/$1/',
      },
    },
    {
      name: 'system-sim-public-api',
      comment: 'the simulator of the system uses index.ts and simulation.ts of a package',
      severity: 'error',
      from: { path: '^packages/system-sim/' },
      to: {
        path: '^packages/(?!system-sim/)[^/]+/(src|dist)/(?!(index|simulation|rules/linearizability)\\.(ts|js|d\\.ts)$)',
      },
    },
    {
      name: 'not-to-test',
      comment: 'nothing imports a test',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)(node_modules|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
