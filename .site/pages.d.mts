export interface Page {
  readonly title: string;
  /** From the root of the repository. */
  readonly path: string;
  /** What it is, in a few words. */
  readonly what: string;
  readonly pages: readonly Page[];
}
export interface Item {
  readonly text: string;
  readonly link: string;
  readonly items?: readonly Item[];
}

export function groupsOf(list: string): { readonly title: string; readonly pages: readonly Page[] }[];
export function placeOf(path: string): string;
export function sidebarOf(list: string): { readonly text: string; readonly items: readonly Item[] }[];
