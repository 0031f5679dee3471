import { PEOPLE } from './example/people.js';

// The colours and letters of the console: app/style/tokens.css.
const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e8eaee); --quiet: light-dark(#566070, #a4adba); --rule: light-dark(#dcdad2, #323b48); --yes: light-dark(#0b6b52, #6fdcb6); }
*, ::before, ::after { box-sizing: border-box; }
body { max-width: 34rem; margin: 0 auto; padding: clamp(1.5rem, 6vh, 4rem) 1rem; background: light-dark(#f6f5f1, #12161c); color: var(--ink); font: 0.9375rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
h1 { margin: 0 0 0.25rem; font-size: clamp(1.375rem, 3vw, 1.75rem); line-height: 1.2; letter-spacing: -0.015em; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; border: 1px solid var(--rule); border-radius: 0.875rem; overflow: clip; background: light-dark(#ffffff, #1a2029); }
li + li { border-block-start: 1px solid var(--rule); }
button { display: block; width: 100%; padding: 0.75rem 1rem; border: 0; background: none; color: inherit; font: inherit; font-weight: 600; text-align: start; cursor: pointer; }
button:hover { background: light-dark(#f1efe9, #141a21); }
button:focus-visible { outline: 3px solid light-dark(#1d4ed8, #8ab4ff); outline-offset: -3px; }
button[aria-current] { background: light-dark(#d3efe4, #14392e); color: var(--yes); }
button span { display: block; color: var(--quiet); font-size: 0.8125rem; font-weight: 400; }
button[aria-current] span { color: inherit; }
button[aria-current]::before { content: '✓' / ''; float: inline-end; }
p { margin: 0; color: var(--quiet); text-wrap: pretty; }
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
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Who are you? - jit-access dev</title><link rel="stylesheet" href="/people.css"></head>
<body>
<main>
<h1>Who are you?</h1>
<p>Six people of an example. Ask as one, approve as another: signing out leads back to this page. Nothing leaves this machine. Next, with your own code: <code>npm install jit-access</code>, and <code>docs/start/quickstart.md</code> of the package.</p>
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
