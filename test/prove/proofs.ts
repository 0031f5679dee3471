import { boundary } from './boundary.js';
import { consoleProof } from './console.js';
import { consoleWalk } from './console-walk.js';
import { durableProofs } from './durable.js';
import { hostile } from './hostile.js';
import { journal } from './journal.js';
import { model, wrongClocks } from './model.js';
import { schedules, smallWorld } from './schedules.js';
import { seededBugs } from './seeded-bugs.js';
import { seededStoreBugs } from './seeded-store-bugs.js';
import { viewScopes } from './view-scopes.js';
import type { Proof } from './proof.js';

/** All of them, in the order in which they run. */
export const proofs: readonly Proof[] = [
  model,
  wrongClocks,
  schedules,
  smallWorld,
  boundary,
  hostile,
  journal,
  viewScopes,
  consoleProof,
  consoleWalk,
  ...durableProofs,
  seededBugs,
  seededStoreBugs,
];
