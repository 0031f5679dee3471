const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const shortTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `02:13:00`, in the viewer's own time zone. */
export const timeOf = (instant: number): string => time.format(instant);

/** `02:13` */
export const shortTimeOf = (instant: number): string => (instant % 60_000 === 0 ? shortTime : time).format(instant);

/** `user:maya` is Maya, `agent:7` Agent 7; an id of no person, such as the sweeper, stays as it is. */
export function nameOf(id: string): string {
  const [kind, name] = id.split(':');
  if (kind === 'user' && name !== undefined) return name.charAt(0).toUpperCase() + name.slice(1);
  return kind === 'agent' && name !== undefined ? `Agent ${name}` : id;
}

export function lengthOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes % 60 === 0 ? (minutes === 60 ? 'an hour' : `${minutes / 60} hours`) : `${minutes} minutes`;
}
