import type { Hours, When } from './hours.js';
import { WEEKDAYS } from './read-when.js';
import { DAY_MS } from './zone.js';

/** A calendar in words: `mon, tue 09:00-18:00 (Europe/Berlin)`. */
export const whenInWords = (when: When): string => when.map(hoursInWords).join(' or ');

function hoursInWords({ days, from, to, firstDay, lastDay, zone }: Hours): string {
  const parts = [
    ...(days === undefined ? [] : [daysInWords(days)]),
    ...(from === 0 && to === DAY_MS ? [] : [`${timeInWords(from)}-${timeInWords(to)}`]),
    ...(firstDay === -Infinity ? [] : [`from ${dateInWords(firstDay)} on`]),
    ...(lastDay === Infinity ? [] : [`until ${dateInWords(lastDay)}, inclusive`]),
  ];
  return `${parts.join(' ')} (${zone.name})`;
}

/** In the order of a week that begins on Monday. Three days in a row or more are a range. */
function daysInWords(days: ReadonlySet<number>): string {
  const runs: number[][] = [];
  for (const day of [1, 2, 3, 4, 5, 6, 0].filter((one) => days.has(one))) {
    const last = runs.at(-1);
    if (last !== undefined && ((last.at(-1) as number) + 1) % 7 === day) last.push(day);
    else runs.push([day]);
  }
  const name = (day: number | undefined) => WEEKDAYS[day ?? 0] as string;
  return runs.map((run) => (run.length < 3 ? run.map(name).join(', ') : `${name(run[0])}-${name(run.at(-1))}`)).join(', ');
}

const timeInWords = (ms: number): string =>
  [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60].map((number) => String(number).padStart(2, '0')).join(':');

const dateInWords = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
