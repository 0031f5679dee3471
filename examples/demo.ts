import { setTimeout } from 'node:timers/promises';
import { systemClock } from 'jit-access';
import { playIncident } from './demo/incident.js';
import { createPage, wantsColour } from './demo/page.js';

// The on-call incident on the real clock, with a window of a few seconds. Fails, and so exits with 1, if a step does.
await playIncident({
  clock: systemClock,
  ttl: '4s',
  page: createPage(
    (line) => console.log(line),
    wantsColour(process.stdout, process.env),
  ),
  sleepUntil: async (instant) => {
    // A timer may fire a millisecond before the clock reaches the instant.
    for (
      let left = instant - systemClock.now();
      left > 0;
      left = instant - systemClock.now()
    )
      await setTimeout(left);
  },
});
console.log(
  'Next, in a browser: npm run console in this clone, or npx jit-access dev with the package.',
);
