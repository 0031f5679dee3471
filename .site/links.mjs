import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The links of static files that lead nowhere, and what a browser would fetch from elsewhere, as `file -> link`. */
export function deadLinks(folder) {
  const files = readdirSync(folder, { recursive: true })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.html'));
  const anchors = new Map();
  const anchorsOf = (file) => {
    if (!anchors.has(file)) {
      const text = readFileSync(join(folder, file), 'utf8');
      anchors.set(file, new Set([...text.matchAll(/\b(?:id|name)="([^"]+)"/g)].map(([, id]) => id)));
    }
    return anchors.get(file);
  };
  return files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const found = [...text.matchAll(/<(\w+)[^>]*?\s(href|src|srcset)="([^"]*)"/g)];
    return found.flatMap(([, tag, , link]) => {
      if (/^(?:data|mailto|javascript):/.test(link) || link === '') return [];
      if (/^(?:https?:)?\/\//.test(link)) return tag === 'a' ? [] : [`${file} -> ${link} (fetched from elsewhere)`];
      const [path, anchor] = link.replaceAll('&amp;', '&').split('#');
      const bare = decodeURI(path.split('?')[0]);
      let target = bare === '' ? file : posix.normalize(bare.startsWith('/') ? bare.slice(1) : posix.join(posix.dirname(file), bare));
      if (target === '' || target === '.') target = 'index.html';
      if (existsSync(join(folder, target)) && statSync(join(folder, target)).isDirectory()) target = posix.join(target, 'index.html');
      if (!existsSync(join(folder, target))) return [`${file} -> ${link}`];
      const isFound =
        anchor === undefined || anchor === '' || !target.endsWith('.html') || anchorsOf(target).has(decodeURIComponent(anchor));
      return isFound ? [] : [`${file} -> ${link} (no such anchor)`];
    });
  });
}
