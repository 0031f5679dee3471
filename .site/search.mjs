/*
 * The search of the site, and the searches of test/docs/searches.txt, which `npm run docs` runs on the built index.
 * VitePress writes these functions into the page as text, so that none may name another.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import MiniSearch from 'minisearch';
import { groupsOf, placeOf } from './pages.mjs';

/** The words of a page, and the names with underscores whole, too: `ERR_JIT_DENIED` is one name and three words. */
function tokenize(text) {
  const plain = text.replaceAll(/\b(next|node)\.js\b/gi, '$1js');
  return [...plain.split(/[^\p{L}\p{N}]+/u), ...(plain.match(/\w+_\w+/g) ?? [])];
}

/** The words of a query: a name with underscores is meant whole. */
function tokenizeQuery(text) {
  return text.replaceAll(/\b(next|node)\.js\b/gi, '$1js').split(/[^\p{L}\p{N}_]+/u);
}

/** A term without its ending, in lower case; nothing for words that every page has. */
function processTerm(term) {
  const word = term.toLowerCase();
  const common =
    /^(?:a|an|and|are|as|at|be|by|do|does|for|from|has|have|how|i|if|in|is|it|its|me|my|of|on|or|that|the|this|to|was|when|will|with|you|your)?$/;
  if (common.test(word)) return null;
  if (word.length < 5 || word.includes('_')) return word.length > 3 ? word.replace(/s$/, '') : word;
  return word.replace(/(?:ies|ing|ers?|als?|ed|es|s|e|y)$/, '');
}

/** Guides first: the references name every word, and the laws many of them. */
function boostDocument(id, term, { titles }) {
  if (term.startsWith('err_jit_') && id.startsWith('/reference/errors')) return 20;
  // What a page is, and a part of it.
  const kinds = [
    [/\/(?:laws|assurance|features|entry-types|all-pages|overview)\b/, 0.6, 0.3],
    [/^\/(?:start\/concepts|reference\/(?:lifecycle|versions))/, 8, 1.2],
    [/^\/start\/questions/, 5, 1],
    [/^\/start\//, 5, 2.5],
    [/^\/guides\//, 4, 2],
    [/^\/explanation\/(?:deciding|performance)|^\/reference\/errors/, 3, 1.5],
    [/./, 2, 1],
  ];
  const [, page, part] = kinds.find(([ids]) => ids.test(id));
  return titles.length === 0 ? page : part;
}

const searchOptions = { tokenize: tokenizeQuery, fuzzy: 0.1, prefix: true, boost: { title: 3, titles: 1.5, text: 1 }, boostDocument };

const fields = { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] };

/** @param list the text of docs/README.md: what it says of a page is found with the page */
export function searchOf(list) {
  const pagesOf = ({ path, what, pages }) => [[placeOf(path), what], ...pages.flatMap(pagesOf)];
  const whats = new Map(groupsOf(list).flatMap(({ pages }) => pages.flatMap(pagesOf)));
  return {
    provider: 'local',
    options: {
      miniSearch: { options: { tokenize, processTerm }, searchOptions },
      // A program is found by its name in the list of programs: their text would be half of the index.
      _render: (text, env, md) =>
        /^examples\/(?!index)/.test(env.relativePath)
          ? ''
          : md.render(text, env).replace('</h1>', `</h1>\n${`<p>${md.renderInline(whats.get(env.relativePath) ?? '')}</p>`.repeat(3)}`),
    },
  };
}

/** The queries of a file, `query -> page`, as `[query, page]`. */
export const queriesOf = (text) =>
  text
    .split('\n')
    .filter((line) => /^[^#\s]/.test(line))
    .map((line) => line.split(' -> '));

/** The queries that do not find their page in the first three results, each with what it finds. */
export function missesOf(queries, json) {
  const index = MiniSearch.loadJSON(json, { ...fields, tokenize, processTerm, searchOptions });
  return queries.flatMap(([query, page]) => {
    const found = index
      .search(query)
      .slice(0, 3)
      .map(({ id }) => id);
    const place = `/${placeOf(page).replace(/(index)?\.md$/, '')}`;
    return found.some((id) => id.split('#')[0].replace(/\.html$/, '') === place) ? [] : [`${query} -> ${page}: finds ${found.join(', ')}`];
  });
}

/** The index that the built site searches. */
export async function builtIndex(out) {
  const chunks = join(out, 'assets/chunks');
  const name = readdirSync(chunks).find((file) => file.startsWith('@localSearchIndex'));
  return (await import(pathToFileURL(join(chunks, name)).href)).default;
}
