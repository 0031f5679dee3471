import { language } from '../../frame/messages.js';

/** A share in per cent, with a decimal where a whole number says too little. */
export function percent(share: number): string {
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  const text = new Intl.NumberFormat(language.value.lang, { style: 'percent', maximumFractionDigits: digits });
  // Something is never shown as nothing.
  return share > 0 && share < 0.001 ? `< ${text.format(0.001)}` : text.format(share);
}

const HOUR = 3_600_000;

/** An amount of access in hours. Less than ten have a decimal. */
export function hours(ms: number): string {
  const amount = ms / HOUR;
  const digits = amount < 10 ? 1 : 0;
  return new Intl.NumberFormat(language.value.lang, {
    style: 'unit',
    unit: 'hour',
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(ms > 0 ? Math.max(amount, 0.1) : 0);
}

/** The larger first; equal ones in the order of the report. */
export const largestFirst = <T extends { readonly heldMs: number }>(reports: readonly T[]): readonly T[] =>
  [...reports].sort((a, b) => b.heldMs - a.heldMs);

/** Parts of a bar: where each begins and how wide it is, in hundredths of the whole. */
export function stacked(counts: readonly number[]): readonly { readonly x: number; readonly width: number }[] {
  const sum = counts.reduce((total, count) => total + count, 0);
  let x = 0;
  return counts.map((count) => {
    const width = sum === 0 ? 0 : (100 * count) / sum;
    x += width;
    return { x: x - width, width };
  });
}
