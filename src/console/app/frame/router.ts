import { signal } from '@preact/signals';
import { VIEWS, type Route, type ViewName } from './types.js';

/** The filters of an address. `undefined` and an empty text leave a name out. */
export type Query = Readonly<Record<string, string | undefined>>;

const isView = (text: string): text is ViewName => (VIEWS as readonly string[]).includes(text);

/** The text of a segment; `undefined`: its percent encoding is broken. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/**
 * What an address below the base names.
 *
 * @param base the path of the page's base, with its last slash
 * @returns `undefined`: no view has this address
 */
export function routeOf({ pathname, search }: Pick<URL, 'pathname' | 'search'>, base: string): Route | undefined {
  const path = `${pathname}/`.startsWith(base) ? pathname.slice(base.length) : undefined;
  if (path === undefined) return undefined;
  const [view = '', id, ...rest] = path.replace(/\/$/, '').split('/');
  const query = new URLSearchParams(search);
  if (rest.length > 0) return undefined;
  if (view === 'requests') {
    const named = id && decoded(id);
    return named ? { view: 'request', id: named, query } : undefined;
  }
  if (id !== undefined || view === 'access' || view === 'request') return undefined;
  return view === '' || isView(view) ? { view: view || 'access', id, query } : undefined;
}

/** The path of an address, which {@link routeOf} reads. */
export function pathOf(base: string, view: ViewName, id?: string, query: Query = {}): string {
  const filters = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const path = view === 'access' ? '' : view === 'request' ? `requests/${encodeURIComponent(id ?? '')}` : view;
  const search = String(new URLSearchParams(filters));
  return `${base}${path}${search && `?${search}`}`;
}

export interface NavigateOptions {
  /** `true`: the address takes the place of the present one, as for a filter. Default: `false`. */
  readonly replace?: boolean | undefined;
}

/** The address of the page, and the way to another one. */
export function createRouter(base: string, window: Window) {
  const { location, history } = window;
  const read = () => routeOf(location, base);
  const route = signal(read());
  /** Counts the pages that were opened, so that a page knows that it is another one. Not raised by a filter. */
  const visits = signal(0);
  const navigate = (path: string, { replace = false }: NavigateOptions = {}) => {
    history[replace ? 'replaceState' : 'pushState'](null, '', path);
    route.value = read();
    if (replace) return;
    visits.value++;
    window.scrollTo(0, 0);
  };
  window.addEventListener('popstate', () => {
    route.value = read();
    visits.value++;
  });
  // Every link to an address of the page, so that views write plain links.
  window.document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hash || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (routeOf(link, base) === undefined) return;
    event.preventDefault();
    navigate(`${link.pathname}${link.search}`);
  });
  return {
    route,
    visits,
    navigate,
    href: (view: ViewName, id?: string, query?: Query) => pathOf(base, view, id, query),
  };
}

export type Router = ReturnType<typeof createRouter>;
