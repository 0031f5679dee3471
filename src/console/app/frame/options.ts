/** A language of the page. */
export interface Language {
  /** A BCP 47 tag. */
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** The address of its table of texts, relative to the base. `undefined`: English, which the page has. */
  readonly file?: string | undefined;
}

/** What the handler gives the page. */
export interface PageOptions {
  /** The handler of `jit-access/http`, relative to the base. */
  readonly api: string;
  readonly title: string;
  /** The name beside the logo. `undefined`: the title. */
  readonly name?: string | undefined;
  /** The address of a picture. `undefined`: the mark of the page. */
  readonly logo?: string | undefined;
  readonly ticketUrl?: string | undefined;
  readonly signInUrl?: string | undefined;
  readonly signOutUrl?: string | undefined;
  readonly stepUpUrl?: string | undefined;
  readonly readOnly: boolean;
  /** The languages of `languages` and `messages`, the one that `Accept-Language` chose first. */
  readonly languages: readonly Language[];
}

/** The options in the `<meta>` element that the handler writes. */
export function optionsIn(document: Document): PageOptions {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="jit-access-console"]');
  return {
    title: 'Access',
    api: '../access',
    readOnly: false,
    languages: [],
    ...(JSON.parse(meta?.content ?? '{}') as Partial<PageOptions>),
  };
}

/** A constant of the service, with the place to return to: a path of this page, never an origin. */
export function withReturn(
  url: string,
  { pathname, search }: Pick<Location, 'pathname' | 'search'>,
  more: Record<string, string> = {},
): string {
  const [path = '', hash] = url.split('#');
  const added = String(new URLSearchParams({ ...more, returnTo: pathname + search }));
  return `${path}${path.includes('?') ? '&' : '?'}${added}${hash === undefined ? '' : `#${hash}`}`;
}

/**
 * The address of a ticket.
 *
 * @returns `undefined`: the service has none, or the ticket is no segment of a path
 */
export function ticketHref(template: string | undefined, ticket: string): string | undefined {
  if (template === undefined || /^\.{0,2}$|\p{Cs}/u.test(ticket)) return undefined;
  return template.replaceAll('{ticket}', () => encodeURIComponent(ticket));
}
