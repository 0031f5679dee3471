/* The views of a person's own work, and their dialogs. They share much, and so load as one file. */
export { default as Ask } from './ask.js';
export { default as Inbox } from './inbox.js';
export { Cancel, Change, default as Request, Extend, GiveBack } from './request.js';
