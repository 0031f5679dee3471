/** How long a row ignores keys and presses after it was drawn: they were meant for what was there before. Milliseconds. */
export const QUIET_MS = 500;

/** When the rows of a list last moved, by the viewer's clock: a second press of a button above them lands on another row. */
export const moved = { at: -Infinity };
