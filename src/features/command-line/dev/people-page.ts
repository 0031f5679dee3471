import { PEOPLE } from './people.js';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 0.25rem; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: 0.5rem; }
button { display: block; width: 100%; padding: 0.75rem 1rem; border: 1px solid light-dark(#c9cdd2, #4a4f57); border-radius: 8px; background: light-dark(#fff, #1d2025); color: inherit; font: inherit; text-align: start; cursor: pointer; }
button:hover { border-color: light-dark(#1a7f4b, #4cc38a); }
button:focus-visible { outline: 2px solid light-dark(#1a7f4b, #4cc38a); outline-offset: 2px; }
button[aria-current] { border-color: light-dark(#1a7f4b, #4cc38a); border-width: 2px; }
button span { display: block; color: light-dark(#545b64, #a5abb3); font-size: 0.875rem; }
p { margin: 0; color: light-dark(#545b64, #a5abb3); }
`;

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${String(sign.charCodeAt(0))};`);

/** The page on which a viewer chooses the person who uses the console. It takes the place of a sign-in. */
export function peoplePage(origin: string, choose: (person: string) => string, consolePath: string) {
  const page = (person: string, returnTo: string): Response => {
    const button = ({ id, name, detail }: { readonly id: string; readonly name: string; readonly detail: string }) =>
      `<li><button name="person" value="${escaped(id)}"${id === person ? ' aria-current="true"' : ''}>${escaped(name)}<span>${escaped(detail)}</span></button></li>`;
    const out = person === '' ? '' : button({ id: '', name: 'Sign out', detail: 'The console then shows what a visitor sees' });
    return new Response(
      `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Who are you? - jit-access dev</title><link rel="stylesheet" href="/people.css"></head>
<body>
<main>
<h1>Who are you?</h1>
<p>Six people of an example. Ask as one, approve as another: signing out leads back to this page. Nothing leaves this machine.</p>
<form method="post" action="/people">
<input type="hidden" name="returnTo" value="${escaped(returnTo)}">
<ul>${PEOPLE.map(button).join('')}${out}</ul>
</form>
</main>
</body>
</html>
`,
      { headers: HEADERS },
    );
  };
  const answer = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers });
  /** A path of the console; never another origin. */
  const ownPath = (given: string | null): string => {
    const path = URL.canParse(given ?? '', origin) ? new URL(given ?? '', origin) : undefined;
    const isOwn = path?.origin === origin && path.pathname.startsWith(`${consolePath}/`);
    return isOwn ? `${path.pathname}${path.search}` : `${consolePath}/`;
  };
  return async (request: Request, person: string): Promise<Response> => {
    const url = new URL(request.url);
    if (url.pathname === '/people.css' && request.method === 'GET')
      return new Response(STYLE, { headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'no-store' } });
    if (url.pathname === '/' && request.method === 'GET') return page(person, ownPath(url.searchParams.get('returnTo')));
    if (url.pathname !== '/people' || request.method !== 'POST') return answer(404);
    // A page of another port is of the same site, so the cookie alone does not prove who sends the form.
    if (request.headers.get('origin') !== origin) return answer(403);
    const form = new URLSearchParams(await request.text());
    const chosen = form.get('person') ?? '';
    const known = PEOPLE.some(({ id }) => id === chosen);
    return answer(303, { location: ownPath(form.get('returnTo')), 'set-cookie': choose(known ? chosen : '') });
  };
}
