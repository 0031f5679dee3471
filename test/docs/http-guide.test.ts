import { describe, expect, it } from 'vitest';
import { code } from './blocks.js';
import { textOf } from './pages.js';

/** The tokens of a text: a page has shorter lines, which Prettier breaks with trailing commas. */
const squeeze = (text: string): string => text.replace(/\s+/g, '').replace(/,(?=[)\]}])/g, '');
const tested = squeeze(textOf('test/features/http/mounts.ts'));

/** The lines of the guide that mount the handler. The contract suite runs them in a service of each framework. */
const MOUNTS = [
  'app.use(toNodeHandler(handler));',
  'createServer(toNodeHandler(handler))',
  'app.all(`${handler.basePath}/*`, (context) => handler(context.req.raw));',
];

describe('docs/guides/http.md', () => {
  const snippets = code.filter(({ page }) => page === 'docs/guides/http.md').map((block) => block.code);

  it.each(MOUNTS)('mounts by what the contract suite runs: %s', (mount) => {
    expect(snippets.some((snippet) => snippet.includes(mount))).toBe(true);
    expect(tested).toContain(squeeze(mount));
  });

  it('has the function that the contract suite mounts on Fastify', () => {
    const [, mountOn = ''] = /export (function mountOn[^]*?\n\})/.exec(snippets.join('\n')) ?? [];
    expect(mountOn).not.toBe('');
    expect(tested).toContain(squeeze(mountOn));
  });
});
