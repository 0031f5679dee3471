import type { Scenario } from '../world/scenario.js';
import { breakGlass } from './break-glass.js';
import { clockBack } from './clock-back.js';
import { denial } from './denial.js';
import { linkTwice } from './link-twice.js';
import { lock } from './lock.js';
import { maintenance } from './maintenance.js';
import { narrowing } from './narrowing.js';
import { onCall } from './on-call.js';
import { overrun } from './overrun.js';
import { revoked } from './revoked.js';
import { sleepingSweeper } from './sleeping-sweeper.js';
import { steps } from './steps.js';
import { twoGroups } from './two-groups.js';

/** In the order in which they are best seen: what goes well, what people do, what machines do. */
export const scenarios: readonly Scenario[] = [
  onCall,
  denial,
  narrowing,
  overrun,
  revoked,
  lock,
  linkTwice,
  twoGroups,
  steps,
  maintenance,
  breakGlass,
  sleepingSweeper,
  clockBack,
];
