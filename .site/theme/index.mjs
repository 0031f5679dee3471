import { useData } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import Landing from './Landing.vue';
import NotFound from './NotFound.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  Layout: {
    setup() {
      const { theme, page } = useData();
      return () =>
        h(DefaultTheme.Layout, null, {
          'nav-bar-title-after': () => h('span', { class: 'version' }, theme.value.version),
          'doc-footer-before': () =>
            h('a', { class: 'as-markdown', href: `/${page.value.filePath}`, target: '_self' }, 'This page as Markdown'),
          'not-found': () => h(NotFound),
        });
    },
  },
  enhanceApp: ({ app }) => app.component('Landing', Landing),
};
