const THIS_MACHINE: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether no other machine can read what is sent to this URL: it is https, or http to this machine. Takes a parsed `URL`. */
export const isSecureUrl = ({ protocol, hostname }: { readonly protocol: string; readonly hostname: string }): boolean =>
  protocol === 'https:' || (protocol === 'http:' && THIS_MACHINE.includes(hostname));
