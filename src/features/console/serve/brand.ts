import { invalid, isBlank, readOptions, readText } from '../../../core/parse.js';
import { sha256Hex } from '../../../core/sha256.js';
import { toUtf8 } from '../../../core/utf8.js';
import { readPath } from './addresses.js';

/** The look of the service around the page. */
export interface ConsoleBrand {
  /** The name beside the logo. Default: `title`. */
  readonly name?: string | undefined;
  /** A picture: a path of the own origin, or a `data:image/` URL of at most 32 KiB. Default: the mark of the page. */
  readonly logo?: string | undefined;
  /**
   * A colour such as `'#7c3aed'`. The page makes it darker on light paper, and lighter on dark paper, until it can be read. The colours of
   * approvals and denials stay. Default: that of the page.
   */
  readonly accent?: string | undefined;
}

/** A brand after validation. */
export interface ParsedBrand {
  readonly name: string | undefined;
  readonly logo: string | undefined;
  /** The colours of the accent, as a file. `undefined`: the page has its own. */
  readonly styles: { readonly name: string; readonly text: string } | undefined;
}

const MAX_LOGO = 32 * 1_024;

/** A picture in a URL. Only an `<img>` draws it, which runs no script of an SVG. */
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)(?:;[\w=-]+)*,[\x21-\x7e]+$/;

/** @throws InvalidArgumentError, naming the field */
export function readBrand(value: unknown): ParsedBrand {
  const { name, logo, accent } = value === undefined ? {} : readOptions<keyof ConsoleBrand>('brand', value, ['name', 'logo', 'accent']);
  return { name: readName(name), logo: readLogo(logo), styles: accent === undefined ? undefined : stylesOf(readColour(accent)) };
}

function readName(value: unknown): string | undefined {
  const name = readText('brand.name', value);
  if (name !== undefined && isBlank(name)) throw invalid('brand.name', 'a text that is not blank', value);
  return name;
}

function readLogo(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= MAX_LOGO && PICTURE.test(value)) return value;
  const path = readPath(value);
  if (path === undefined)
    throw invalid('brand.logo', 'a path of the own origin such as /logo.svg, or a data:image/ URL of at most 32 KiB', value);
  return path;
}

/** Red, green and blue, from 0 to 255. */
type Colour = readonly [red: number, green: number, blue: number];

function readColour(value: unknown): Colour {
  if (typeof value !== 'string' || !/^#(?:[\da-f]{3}|[\da-f]{6})$/i.test(value))
    throw invalid('brand.accent', 'a colour such as #7c3aed', value);
  return colourOf(value);
}

function colourOf(hex: string): Colour {
  const [, short] = /^#(.{3})$/.exec(hex) ?? [];
  const digits = short === undefined ? hex.slice(1) : short.replace(/./g, '$&$&');
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16)) as unknown as Colour;
}

/** The backgrounds of `tokens.css` in one theme, and where a colour must move to be read on them. */
const THEMES = [
  { papers: ['#ffffff', '#f6f5f1'], end: 0 },
  { papers: ['#1a2029', '#12161c'], end: 255 },
] as const;

/** What text needs, by WCAG 2.2. */
const CONTRAST = 4.5;
/** How much of the accent the background of a chosen entry has. */
const SOFT = 0.12;
const STEPS = 200;

/** The tokens of an accent. A brand decides no contrast: its lightness is moved until text in it can be read. */
function stylesOf(accent: Colour): ParsedBrand['styles'] {
  const [light, dark] = THEMES.map(({ papers, end }) => inTheme(accent, papers.map(colourOf), end)) as [Tokens, Tokens];
  const rules = Object.keys(light).map((name) => `  --${name}: light-dark(${light[name] as string}, ${dark[name] as string});\n`);
  const text = `:root {\n${rules.join('')}}\n`;
  return { name: `brand-${sha256Hex(toUtf8(text)).slice(0, 8)}.css`, text };
}

type Tokens = Readonly<Record<string, string>>;

function inTheme(accent: Colour, papers: readonly Colour[], end: number): Tokens {
  const card = papers[0] as Colour;
  for (let step = 0; ; step++) {
    const colour = mixed(accent, [end, end, end], step / STEPS);
    const soft = mixed(card, colour, SOFT);
    // Black on light paper, and white on dark, can be read: the last step ends it.
    if (step === STEPS || [...papers, soft].every((paper) => contrastOf(colour, paper) >= CONTRAST))
      return { accent: hexOf(colour), 'accent-soft': hexOf(soft), 'on-accent': hexOf(card) };
  }
}

const mixed = (from: Colour, to: Colour, part: number): Colour =>
  from.map((value, i) => Math.round(value + ((to[i] as number) - value) * part)) as unknown as Colour;

const hexOf = (colour: Colour): string => `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;

/** The contrast of two colours, by WCAG 2.2. */
function contrastOf(one: Colour, other: Colour): number {
  const [light, dark] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminanceOf(colour: Colour): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
