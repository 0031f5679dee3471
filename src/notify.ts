export { notify, type Notice, type NoticeKind, type NotifyOptions } from './features/notify/notify.js';
