/** Bugs to plant in membership changes. */
import { CORE, type Mutation } from '../mutation.js';

export const MEMBERSHIP: readonly Mutation[] = [
  {
    name: 'membership applied too early: when it is logged',
    file: `${CORE}/membership-log.js`,
    find: 'this.#later.push(placed(entry));',
    replace: 'this.#later.push(placed(entry));\n        this.#inForce = placed(entry);',
  },
  {
    name: 'membership applied too early: when it is committed',
    file: `${CORE}/log.js`,
    find: 'this.#commit = index;\n    }\n    /** Learns',
    replace: 'this.#commit = index;\n        this.memberships.appliedTo(index);\n    }\n    /** Learns',
  },
  {
    name: 'learner counted in a majority (thesis 4.2.1)',
    file: `${CORE}/quorum.js`,
    find: 'export function reachedByQuorum({ voters, outgoing }, valueOf) {',
    replace:
      'export function reachedByQuorum({ voters, outgoing, learners = [] }, valueOf) {\n    voters = voters.concat(learners);',
  },
  {
    name: 'commit in a joint configuration decided by one half (Raft 6)',
    file: `${CORE}/quorum.js`,
    find: 'return outgoing.length === 0 ? reached :',
    replace: 'return outgoing.length >= 0 ? reached :',
  },
  {
    name: 'election in a joint configuration decided by one half (Raft 6)',
    file: `${CORE}/quorum.js`,
    find: "if (outgoing.length === 0 || incoming === 'lost')",
    replace: 'if (outgoing.length >= 0)',
  },
  {
    name: 'two voters changed in one step (thesis 4.3)',
    file: `${CORE}/membership-change.js`,
    find: 'return votersMoved(current, voters) > 1',
    replace: 'return votersMoved(current, voters) > 9',
  },
  {
    name: 'change accepted while one is unapplied',
    file: `${CORE}/leadership.js`,
    find: 'if (this.#context.log.memberships.hasUnapplied || isJoint(this.#membership)) {\n            throw',
    replace: 'if (isJoint(this.#membership)) {\n            throw',
  },
  {
    name: 'campaign while a committed change is not applied',
    file: `${CORE}/election-state.js`,
    find: ' && !memberships.hasCommittedUnapplied(commit);',
    replace: ';',
  },
  {
    name: 'who was dismissed once is never heard again',
    file: 'dist/group.js',
    find: 'for (const [peer, address] of this.#dismissed)\n                transport.addPeer(peer, address);',
    replace: ';',
  },
];
