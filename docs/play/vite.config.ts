import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { singleFile } from './single-file.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  // What a static host serves lies anywhere, and on a disk anywhere too.
  base: './',
  resolve: {
    // The package's entries, from the sources: the page is always that of the commit that it was built from.
    alias: [
      { find: /^jit-access$/, replacement: at('../../src/index.ts') },
      { find: /^jit-access\/(.+)$/, replacement: `${at('../../src/')}$1.ts` },
    ],
  },
  build: {
    outDir: at('dist'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: Infinity,
  },
  plugins: [singleFile()],
});
