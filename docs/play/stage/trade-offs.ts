import { doorsOf, liveAMonth, standingDoorMs, WIDTHS, type Month, type Width } from '../month/live-a-month.js';
import { DAY_FROM, DAY_TO, DOORS, FROM, PEOPLE, TO } from '../month/work.js';
import { el, panel } from './dom.js';
import { nameOf } from './words.js';

const MINUTE = 60_000;
const WINDOWS_MS = [5, 15, 30, 60, 120, 240, 480].map((minutes) => minutes * MINUTE);
const FIRST_WINDOW = 1;

const NAMES: Readonly<Record<Width, string>> = {
  part: 'one part: shop:orders:write',
  system: 'one system: shop:*:write',
  everything: 'everything: *:*:write',
};

const windowName = (ms: number): string =>
  ms < 60 * MINUTE ? `${ms / MINUTE} minutes` : ms === 60 * MINUTE ? '1 hour' : `${ms / MINUTE / 60} hours`;

const percent = (part: number): string => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
const hours = (ms: number): string => Math.round(ms / (60 * MINUTE)).toLocaleString('en-GB');

/** Two sliders, and what a month of the same work would have amounted to. */
export function createTradeOffs() {
  const slider = (name: string, count: number, value: number, text: string) => {
    const input = el('input', { type: 'range', id: `slider-${name}`, min: '0', max: String(count - 1), step: '1', value: String(value) });
    const said = el('output', { for: `slider-${name}` });
    return { input, said, field: el('div', { class: 'slider' }, el('label', { for: `slider-${name}` }, text), said, input) };
  };
  const length = slider('length', WINDOWS_MS.length, FIRST_WINDOW, 'How long each window is');
  const width = slider('width', WIDTHS.length, 0, 'How much each request opens');
  const figure = (text: string) => {
    const value = el('strong', {}, '…');
    return { value, item: el('li', {}, value, el('span', {}, text)) };
  };
  const open = figure('of standing access was held');
  const asked = figure('requests in the month, for reviewers to read');
  const cut = figure('of them because a window ended before the work did');
  const meter = el('div', { class: 'meter', 'aria-hidden': 'true' }, el('i', { class: 'held' }), el('i', { class: 'worked' }));
  const day = el('div', { class: 'day', role: 'img' });
  const sum = el('p', { class: 'sum' });

  const element = panel(
    'trade-offs',
    'Try the trade-off',
    el(
      'p',
      {},
      'The engine runs the same month of work with the windows that you choose. Short, narrow windows leave little open. Long, wide windows need fewer requests.',
    ),
    el('div', { class: 'sliders' }, length.field, width.field),
    el('ul', { class: 'figures', 'aria-live': 'polite' }, open.item, asked.item, cut.item),
    meter,
    el('h3', {}, 'One day of it: Thursday, 15 January'),
    day,
    el(
      'p',
      { class: 'legend' },
      el('span', { class: 'key worked' }, 'work'),
      el('span', { class: 'key held' }, 'open: its length is the window, its height the access'),
      el('span', { class: 'key standing' }, 'standing access: all of it, always'),
    ),
    sum,
  );

  let turn = 0;
  const draw = async (): Promise<void> => {
    const mine = ++turn;
    const ttlMs = WINDOWS_MS[length.input.valueAsNumber] ?? MINUTE;
    const wide = WIDTHS[width.input.valueAsNumber] ?? 'part';
    length.said.textContent = windowName(ttlMs);
    width.said.textContent = NAMES[wide];
    length.input.setAttribute('aria-valuetext', windowName(ttlMs));
    width.input.setAttribute('aria-valuetext', NAMES[wide]);
    const month = await liveAMonth(ttlMs, wide);
    if (mine !== turn) return;
    const share = month.heldDoorMs / standingDoorMs;
    open.value.textContent = percent(share);
    asked.value.textContent = month.requests.toLocaleString('en-GB');
    cut.value.textContent = month.cutOff.toLocaleString('en-GB');
    meter.style.setProperty('--held', String(share));
    meter.style.setProperty('--worked', String(month.workedMs / standingDoorMs));
    drawDay(day, month);
    const standing = `${PEOPLE.length} people × ${DOORS.length} parts × ${(TO - FROM) / (60 * MINUTE)} h`;
    sum.textContent = `How it is computed: accessReport() returns the time that each scope was held. Multiplied by the parts that it opens, that is ${hours(month.heldDoorMs)} h. Standing access would be ${standing} = ${hours(standingDoorMs)} h. The work itself took ${hours(month.workedMs)} h, one part at a time. Every request is granted at once, and no access is released early.`;
  };
  for (const { input } of [length, width]) input.addEventListener('input', () => void draw());
  void draw();
  return { element };
}

/** For each person a lane, whose height is everything and whose length is the day: what is filled is what is open. */
function drawDay(day: HTMLElement, month: Month): void {
  const share = (at: number): number => (100 * (at - DAY_FROM)) / (DAY_TO - DAY_FROM);
  const place = (name: string, from: number, until: number): HTMLElement => {
    const bar = el('i', { class: name });
    bar.style.setProperty('left', `${Math.max(share(from), 0)}%`);
    bar.style.setProperty('width', `${Math.min(share(until), 100) - Math.max(share(from), 0)}%`);
    return bar;
  };
  day.setAttribute('aria-label', `Access that was open on that day, compared with standing access, for ${PEOPLE.map(nameOf).join(', ')}`);
  day.replaceChildren(
    ...PEOPLE.map((person) => {
      const held = month.day.grants
        .filter(({ subject }) => subject === person)
        .map(({ scope, startsAt, expiresAt }) => {
          const bar = place('held', startsAt, expiresAt);
          bar.style.setProperty('height', `${(100 * doorsOf(scope)) / DOORS.length}%`);
          return bar;
        });
      const worked = month.day.work.filter((piece) => piece.person === person).map(({ from, until }) => place('worked', from, until));
      return el('div', { class: 'row' }, el('span', {}, nameOf(person)), el('div', { class: 'lane' }, ...held, ...worked));
    }),
  );
}
