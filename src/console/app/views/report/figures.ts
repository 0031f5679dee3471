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
