/** The links of static files that lead nowhere, and what a browser would fetch from elsewhere, as `file -> link`. */
export function deadLinks(folder: string): string[];
