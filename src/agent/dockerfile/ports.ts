import { wrong } from './errors.ts';

/** What EXPOSE opens, as keys of `ExposedPorts`. @throws invalid in dockerd's words */
export function exposedPorts(specs: readonly string[]): string[] {
  return specs.flatMap((spec) => {
    const [address = '', protocol = 'tcp'] = spec.split('/', 2);
    // What comes before the last colon is of the host, which an image knows nothing of.
    const container = address.slice(address.lastIndexOf(':') + 1);
    if (container === '') throw wrong(`No port specified: ${spec}<empty>`);
    const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(container) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === '' || first > last || last > 65_535) throw wrong(`Invalid containerPort: ${container}`);
    if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw wrong(`Invalid proto: ${protocol}`);
    return Array.from({ length: last - first + 1 }, (_, step) => `${first + step}/${protocol.toLowerCase()}`);
  });
}
