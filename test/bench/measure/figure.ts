/** A figure of several runs: its median, and the lowest and the highest of them. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function figureOf(values: readonly number[]): Figure {
  return { median: quantile(values, 0.5), low: Math.min(...values), high: Math.max(...values) };
}

/** A quantile of the values, in any order. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)] as number;
}

/** `1.15x (1.12 to 1.20)`, or `1.15x` of one run. */
export const shown = ({ median, low, high }: Figure, digits: (value: number) => string, unit: string): string =>
  `${digits(median)}${unit}${low === high ? '' : ` (${digits(low)} to ${digits(high)})`}`;

export const ratio = (figure: Figure): string => shown(figure, ratioDigits, 'x');
const ratioDigits = (value: number): string => (value < 100 ? value.toFixed(2) : count(value));

/** A whole number, with commas. */
export const count = (value: number): string => Math.round(value).toLocaleString('en');
