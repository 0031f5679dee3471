/*
 * The table of the lifecycle: every way out of a state, and what can be its cause. A request is `pending` until it has
 * one of these ends, a grant `scheduled` or `active`; both ends absorb. The codec accepts no other, and the diagram in
 * docs/lifecycle.md is drawn from here.
 */

/** How a request may end, and why. */
export const REQUEST_ENDS = /* @__PURE__ */ Object.freeze({
  approved: ['approver', 'quorum', 'break_glass'],
  denied: ['approver', 'quorum', 'abstained', 'ineligible', 'limit'],
  cancelled: ['cancelled', 'revoked', 'origin_ended'],
  expired: ['time'],
} as const);

/** How a grant may end, and why. */
export const GRANT_ENDS = /* @__PURE__ */ Object.freeze({
  expired: ['time', 'idle', 'used_up'],
  revoked: ['revoked', 'released', 'ineligible', 'origin_ended', 'unjustified'],
} as const);
