import type { Finding } from './types.js';

export const finding = (code: Finding['code'], about: { readonly rule?: string; readonly group?: string }, message: string): Finding =>
  Object.freeze({ code, rule: about.rule, group: about.group, message });
