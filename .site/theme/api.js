// The theme that the reader has chosen on the other pages.
const chosen = localStorage.getItem('vitepress-theme-appearance');
const theme = chosen === 'dark' || chosen === 'light' ? chosen : 'os';
localStorage.setItem('tsd-theme', theme);
document.documentElement.dataset.theme = theme;
