import { readFileSync } from 'node:fs';
import { createConsoleHandler, type ConsoleBrand } from 'jit-access/console';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../src/index.js';
import { root } from '../../docs/pages.js';
import { aConsole } from './page.js';

/** What the error says of the wrong field. */
function refused(brand: unknown): string | undefined {
  try {
    createConsoleHandler({ api: '/access', brand: brand as ConsoleBrand });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as InvalidArgumentError).argument;
  }
}

const data = (bytes: number) => 'data:image/png;base64,'.padEnd(bytes, 'A');

/** The contrast of two colours such as `#ffffff`, by the words of WCAG 2.2. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const value = parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** The tokens of a style sheet, each in light and dark. */
const tokensOf = (css: string): Readonly<Record<string, readonly [light: string, dark: string]>> =>
  Object.fromEntries(
    [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name = '', light = '', dark = '']) => [name, [light, dark]]),
  );

async function brandOf(accent: string) {
  const { get, page } = aConsole({ brand: { accent } });
  const { files } = await page();
  const file = files.find((one) => one.includes('/brand-')) ?? '';
  const response = await get(new URL(file).pathname);
  return { file, files, response, tokens: tokensOf(await response.text()) };
}

describe('the brand of the console', () => {
  it.each([
    ['brand', 'blue'],
    ['brand', { color: '#7c3aed' }],
    ['brand.name', { name: ' ' }],
    ['brand.name', { name: 7 }],
    ['brand.accent', { accent: 'blue' }],
    ['brand.accent', { accent: '#12345' }],
    ['brand.accent', { accent: '#fff;}body{display:none' }],
    ['brand.accent', { accent: ['#fff'] }],
    ['brand.logo', { logo: 'https://cdn.example.com/logo.svg' }],
    ['brand.logo', { logo: '//cdn.example.com/logo.svg' }],
    ['brand.logo', { logo: '/\\cdn.example.com/logo.svg' }],
    ['brand.logo', { logo: 'logo.svg' }],
    ['brand.logo', { logo: 'javascript:alert(1)' }],
    ['brand.logo', { logo: 'data:text/html,<b>' }],
    ['brand.logo', { logo: 'data:image/svg+xml,<svg xmlns="a b">' }],
    ['brand.logo', { logo: data(32 * 1_024 + 1) }],
    ['brand.logo', { logo: Symbol('logo') }],
  ])('is refused by the name of its field: %s', (argument, brand) => expect(refused(brand)).toBe(argument));

  it('takes a path of the own origin, and a picture of 32 KiB', async () => {
    for (const logo of ['/logo.svg', data(32 * 1_024), 'data:image/svg+xml;utf8,%3Csvg/%3E']) {
      const { options } = await aConsole({ brand: { name: 'Nordwind "AG" <b>', logo } }).page();
      expect([options['name'], options['logo']]).toEqual(['Nordwind "AG" <b>', logo]);
    }
  });

  it('serves its colours in a file, after those of the page, under the same policy', async () => {
    const plain = await aConsole().get('/console/');
    const { get } = aConsole({ brand: { accent: '#7c3aed' } });
    const branded = await get('/console/');
    expect(branded.headers.get('content-security-policy')).toBe(plain.headers.get('content-security-policy'));
    expect(await branded.text()).not.toMatch(/style=|<style|7c3aed/);
    const { file, files, response } = await brandOf('#7c3aed');
    expect(files.filter((one) => one.endsWith('.css')).at(-1)).toBe(file);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    expect((await aConsole().page()).files.filter((one) => one.includes('brand'))).toEqual([]);
  });

  it('can be read in both themes, with any colour, and changes no colour of a decision', async () => {
    const page = tokensOf(readFileSync(`${root}src/console/app/style/tokens.css`, 'utf8'));
    const papers = [page['card'], page['paper']] as (readonly [string, string])[];
    const digits = ['00', '55', 'aa', 'ff'];
    const colours = digits.flatMap((r) => digits.flatMap((g) => digits.map((b) => `#${r}${g}${b}`)));
    for (const colour of [...colours, '#7c3aed', '#fd0']) {
      const { tokens } = await brandOf(colour);
      expect(Object.keys(tokens).sort()).toEqual(['accent', 'accent-soft', 'on-accent']);
      for (const theme of [0, 1] as const) {
        const accent = tokens['accent']?.[theme] ?? '';
        const others = [...papers, tokens['accent-soft'], tokens['on-accent']].map((paper) => paper?.[theme] ?? '');
        for (const other of others) expect([colour, accent, other, contrast(accent, other) >= 4.5]).toEqual([colour, accent, other, true]);
      }
    }
  });

  it('leaves a colour that can be read as it is', async () => {
    const { tokens } = await brandOf('#7c3aed');
    expect(tokens['accent']?.[0]).toBe('#7c3aed');
  });
});
