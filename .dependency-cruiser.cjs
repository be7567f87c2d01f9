/**
 * Defines which part may import which; `npm test -- layers` checks it. An import by the name of a package resolves to its
 * dist/, so rules about other packages match both src/ and dist/.
 */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'raft-stands-alone',
      comment: 'raft/ is a separate library: it imports nothing of packages/, scripts/ or bench/',
      severity: 'error',
      from: { path: '^raft/' },
      to: { path: '^(packages|scripts|bench)/' },
    },
    {
      name: 'library-knows-no-simulator',
      severity: 'error',
      from: { path: '^raft/src/' },
      to: { path: '^raft/sim/' },
    },
    {
      name: 'the-simulator-uses-the-public-entry-points',
      comment: 'what it needs beyond them is listed in internals.ts',
      severity: 'error',
      from: { path: '^raft/sim/src/', pathNot: '(\\.test\\.ts$|/internals\\.ts$)' },
      to: { path: '^raft/(src|dist)/(?!(index|testing)\\.(ts|js|d\\.ts)$)' },
    },
    {
      name: 'runs-are-virtual',
      comment: 'what happens in a simulated run does no I/O: only starting runs, and planting bugs, may',
      severity: 'error',
      from: { path: '^raft/sim/src/', pathNot: '(\\.test\\.ts$|/(run|planted)/|/main\\.ts$)' },
      to: { pathNot: '^(raft/|(node:)?zlib$)' },
    },
    {
      name: 'core-is-pure',
      comment: 'the consensus core does no I/O and reads no clock: only itself, and crc32 of node:zlib',
      severity: 'error',
      from: { path: '^raft/src/core/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { pathNot: '^(raft/src/core/|(node:)?zlib$)' },
    },
    {
      name: 'rules-are-pure',
      comment:
        'rules take values and return effects; adapters call rules, never the other way round; types do nothing',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/rules/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: {
        pathNot:
          '^(packages/$1/src/rules/|packages/(domain|state-machine|coherence)/|(node:)?(zlib|crypto)$|node_modules/mnemonist/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'nothing-imports-scripts',
      severity: 'error',
      from: { pathNot: '^scripts/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'nothing-needs-the-operators-command',
      comment: 'only the fault suite and the npm scripts use parts of it',
      severity: 'error',
      from: { pathNot: '^(packages/(cli|faults)|scripts)/' },
      to: { path: '^packages/cli/' },
    },
    {
      name: 'domain-is-the-bottom',
      severity: 'error',
      from: { path: '^packages/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(packages/(?!domain)|raft|scripts)' },
    },
    {
      name: 'service-knows-no-service',
      severity: 'error',
      from: { path: '^packages/service/' },
      to: { path: '^packages/(?!(service|domain)/)' },
    },
    {
      name: 'services-meet-only-on-the-wire',
      severity: 'error',
      from: { path: '^packages/(catalog|orders|frontend)/' },
      to: { path: '^packages/(?!($1|service|domain|state-machine|coherence)/)' },
    },
    {
      name: 'state-machine-is-pure',
      comment: 'the state depends only on the log: no I/O, no clock, no randomness',
      severity: 'error',
      from: { path: '^packages/state-machine/src/', pathNot: '(\\.test\\.ts$|/testing/)' },
      to: { pathNot: '^(packages/(state-machine/src|domain)/|(node:)?crypto$)' },
    },
    {
      name: 'only-orders-and-links-use-raft',
      comment: 'service uses the frames of raft and nothing else of it',
      severity: 'error',
      from: { path: '^packages/(catalog|frontend|client|cluster|service)/' },
      to: { path: '^raft/(src|dist)/(?!frames/)' },
    },
    {
      name: 'bench-measures-from-outside',
      comment:
        'benchmarks start a cluster and send HTTP requests, or use the public entry points of the Raft library',
      severity: 'error',
      from: { path: '^bench/' },
      to: {
        path: '^scripts/|^raft/(?!(src|dist)/(index|level|http)\\.(ts|js|d\\.ts)$)|^packages/(?!(cluster|client|domain)/(src|dist)/index\\.(ts|js|d\\.ts)$)',
      },
    },
    {
      name: 'bench-rules-are-pure',
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
      name: 'nothing-imports-bench',
      severity: 'error',
      from: { pathNot: '^bench/' },
      to: { path: '^bench/' },
    },
    {
      name: 'pages-load-themselves-alone',
      comment: 'code for the browser imports only types of the server',
      severity: 'error',
      from: { path: '^packages/frontend/browser/src/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^packages/frontend/browser/src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'simulated-system-is-virtual',
      comment: 'what happens in a simulated run does no I/O: only starting runs, and planting bugs, may',
      severity: 'error',
      from: {
        path: '^packages/system-sim/src/',
        pathNot: '(\\.test\\.ts$|/planted/|/main\\.ts$|/run-worker\\.ts$)',
      },
      to: { pathNot: '^(raft/|packages/|(node:)?util$)' },
    },
    {
      name: 'nothing-imports-the-simulator-of-the-system',
      severity: 'error',
      from: { pathNot: '^packages/system-sim/' },
      to: { path: '^packages/system-sim/' },
    },
    {
      name: 'simulations-are-for-the-simulator',
      comment:
        'the internals that a service exports in simulation.ts are only for the simulator of the system',
      severity: 'error',
      from: { pathNot: '^packages/(system-sim/|[^/]+/src/simulation\\.ts)' },
      to: { path: '^packages/[^/]+/(src|dist)/simulation\\.' },
    },
    {
      name: 'outsiders-use-the-index',
      severity: 'error',
      from: { path: '^packages/([^/]+)/', pathNot: '^packages/system-sim/' },
      to: {
        path: '^packages/([^/]+)/(src|dist)/(?!(index|testing/test-proxy)\\.(ts|js|d\\.ts)$)',
        pathNot: '^packages/$1/',
      },
    },
    {
      name: 'the-simulator-of-the-system-uses-what-it-is-shown',
      severity: 'error',
      from: { path: '^packages/system-sim/' },
      to: {
        path: '^packages/(?!system-sim/)[^/]+/(src|dist)/(?!(index|simulation|rules/linearizability)\\.(ts|js|d\\.ts)$)',
      },
    },
    {
      name: 'tests-are-not-imported',
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
