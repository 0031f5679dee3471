import { assertRequest, WRAP } from '../../../core/web-request.js';
import { pageFiles } from './files.js';
import { indexPage } from './index-page.js';
import { readConsoleOptions, type ConsoleOptions } from './options.js';

/** Serves the page below its base path. It never rejects. */
export interface ConsoleHandler {
  (request: Request): Promise<Response>;
  /** Where it is mounted. `toNodeHandler` passes all other requests on. */
  readonly basePath: string;
}

/** Nothing is inline, from another origin, or in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "worker-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Of every answer. */
const COMMON: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const FRESH = 'no-store';
const FOREVER = 'public, max-age=31536000, immutable';

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', json: 'application/json' };

/** The most segments below the base: a view has at most two. */
const MAX_SEGMENTS = 4;

/**
 * A page where people ask, approve and see who holds what, on top of the HTTP API of `jit-access/http`. It holds no engine and no secret:
 * every fact comes through that API, with the rights of the viewer. It needs no file system.
 *
 * @returns a function from `Request` to `Response`; `toNodeHandler` of `jit-access/http` mounts it in Express and `node:http`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * app.use(toNodeHandler(createConsoleHandler({ api: '/access', basePath: '/console' })));
 */
export function createConsoleHandler(options: ConsoleOptions): ConsoleHandler {
  const files = pageFiles();
  const read = readConsoleOptions(options, files.languages);
  const { basePath } = read;
  const own = [...read.languages.map(({ file }) => file), read.brand.styles];
  const assets = new Map([
    ...Object.entries(files.texts),
    ...own.flatMap((file) => (file === undefined ? [] : [[file.name, file.text] as const])),
  ]);

  const answer = async ({ method, url, headers }: Request): Promise<Response> => {
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead) return refusal(405, { allow: 'GET, HEAD' });
    const send = (body: string, more: Readonly<Record<string, string>>) =>
      new Response(method === 'HEAD' ? null : body, { headers: { ...COMMON, ...more } });
    const { pathname, search } = new URL(url);
    // Relative, because a proxy may have removed a prefix.
    if (pathname === basePath && basePath !== '')
      return refusal(302, { location: `${basePath.slice(basePath.lastIndexOf('/') + 1)}/${search}` });
    if (!pathname.startsWith(`${basePath}/`)) return refusal(404);
    const segments = pathname.slice(basePath.length + 1).split('/');
    if (segments[0] === 'assets') {
      const name = segments.slice(1).join('/');
      const text = assets.get(name);
      const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] as string;
      return text === undefined ? refusal(404) : send(text, { 'content-type': `${type}; charset=utf-8`, 'cache-control': FOREVER });
    }
    const isAddress = segments.length <= MAX_SEGMENTS && segments.slice(0, -1).every((segment) => segment !== '');
    if (!isAddress || !/\btext\/html\b/i.test(headers.get('accept') ?? '')) return refusal(404);
    const up = '../'.repeat(segments.length - 1) || './';
    return send(indexPage(read, files, up, headers.get('accept-language')), {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': FRESH,
    });
  };

  const handle = (request: Request): Promise<Response> => {
    assertRequest(request, WRAP);
    return answer(request);
  };
  return Object.assign(handle, { basePath });
}

/** An answer without a page. It is never stored: the next version may have the file. */
const refusal = (status: number, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(null, { status, headers: { ...COMMON, 'cache-control': FRESH, ...headers } });
