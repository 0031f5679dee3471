/** The build of the page collects the styles of all views. */
declare module '*.css';
