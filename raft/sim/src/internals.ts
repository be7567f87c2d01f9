/** The internal parts of the library that the simulator uses; everything else comes from the public entry points. */
export { invariant } from '../../dist/core/errors.js';
export { changeMembership, leaveJoint } from '../../dist/core/membership-change.js';
export { decodeMembership, encodeMembership } from '../../dist/core/membership-codec.js';
export { isJoint, membersOf } from '../../dist/core/membership.js';
