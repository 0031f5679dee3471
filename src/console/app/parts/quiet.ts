import { deviceNow } from '../frame/clock.js';

/** How long a row that was drawn or moved ignores keys and repeated presses: they were meant for what was there before. Milliseconds. */
export const QUIET_MS = 500;

/** When the rows of a list last moved, by the viewer's clock: a second press of a button above them lands on another row. */
export const moved = { at: -Infinity };

/** A double tap of a finger has two places. CSS pixels. */
const PLACE_PX = 24;

let last = { x: 0, y: 0, at: -Infinity, isRepeated: false };

/** Whether the press that is handled now repeats the one before, at the same place. By a keyboard, a press has no place. */
export const isRepeatedPress = (): boolean => last.isRepeated;

/** Remembers where the viewer pressed last. */
export function watchPresses(document: Document): void {
  document.addEventListener(
    'click',
    ({ clientX: x, clientY: y, detail }) => {
      const at = deviceNow();
      const isNear = detail > 0 && Math.hypot(x - last.x, y - last.y) < PLACE_PX;
      last = { x, y, at, isRepeated: isNear && at - last.at < QUIET_MS };
    },
    true,
  );
}
