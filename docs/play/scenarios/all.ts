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

/** In the order in which they are best seen: what people ask and decide, how access ends early or in an emergency, what machines do. */
export const scenarioGroups: readonly {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}[] = [
  {
    title: 'Ask and decide',
    scenarios: [onCall, denial, narrowing, linkTwice, twoGroups, steps, maintenance],
  },
  {
    title: 'Ends and emergencies',
    scenarios: [overrun, revoked, lock, breakGlass],
  },
  {
    title: 'Machines that fail',
    scenarios: [sleepingSweeper, clockBack],
  },
];

export const scenarios: readonly Scenario[] = scenarioGroups.flatMap((group) => group.scenarios);
