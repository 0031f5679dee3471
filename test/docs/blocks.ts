import { blocksOf, pages, type Block } from './pages.js';

/** The fenced blocks of README.md and of all pages. */
export const blocks: readonly Block[] = pages.flatMap(blocksOf);
export const code: readonly Block[] = blocks.filter((block) => /^ts\b/.test(block.info));

/** Readers choose the names under which they save the store or the adapter of a page. */
export const programOf = (block: Block): string =>
  block.code
    .replace("'./bucket-grant-store.js'", "'../examples/store-from-the-docs.js'")
    .replace("'./require-grant.js'", "'../examples/guards/koa.js'");

export const nameOf = (block: Block): string => `${block.page}:${block.line}`;
