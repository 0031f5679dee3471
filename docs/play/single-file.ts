import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/**
 * Puts the script and the styles into the page, so that it is one file that opens from a disk, and a policy in front
 * that lets nothing else run and nothing be fetched.
 */
export function singleFile(): Plugin {
  return {
    name: 'jit-access:single-file',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('the build made no index.html');
      const script = inOne(Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? [file.code] : [])));
      const style = inOne(
        Object.values(bundle).flatMap((file) => (file.type === 'asset' && file.fileName.endsWith('.css') ? [String(file.source)] : [])),
      );
      // In a script element these three would begin or end what isn't meant.
      const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--').replaceAll('<script', '<\\script');
      const policy = [
        "default-src 'none'",
        `script-src ${hashOf(code)}`,
        `style-src ${hashOf(style)}`,
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
      ].join('; ');
      const html = String(page.source)
        .replace(/\s*<script type="module"[^>]*><\/script>/, '')
        .replace(/\s*<link rel="stylesheet"[^>]*>/, '')
        .replace(
          '<meta charset="utf-8" />',
          () => `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
        )
        .replace('</head>', () => `<style>${style}</style>\n  </head>`)
        .replace('</body>', () => `<script type="module">${code}</script>\n  </body>`);
      for (const name of Object.keys(bundle)) if (name !== 'index.html') delete bundle[name];
      page.source = html;
    },
  };
}

function inOne(parts: readonly string[]): string {
  const [only, ...others] = parts;
  if (only === undefined || others.length > 0) throw new Error(`expected one file of each kind; found ${parts.length}`);
  return only;
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
