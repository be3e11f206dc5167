import { listed, type Phrase, phrase } from '../../base/phrases.ts';
import type { Answer } from './answer.ts';
import { code, type Fact, fact } from './facts.ts';

/** How a container is reached and what it reaches. Pure. */
export function connections(answer: Answer): readonly Fact[] {
  const [host, settings] = [answer.at('HostConfig'), answer.at('NetworkSettings')];
  const open = settings.at('Ports').entries;
  // One that does not run has no ports, only the wish for them.
  const ports = open.length > 0 ? open : host.at('PortBindings').entries;
  return [
    ...code(phrase('Mode'), host.at('NetworkMode').text),
    ...ports.map(([port, bindings]) => portFact(port, bindings)),
    ...settings.at('Networks').entries.flatMap(([name, network]) => networkFact(name, network)),
    ...code('DNS', host.at('Dns').texts.join(' ')),
    ...code(phrase('Other names'), host.at('ExtraHosts').texts.join(' ')),
  ];
}

function portFact(port: string, bindings: Answer): Fact {
  const places = bindings.items.map((one) => {
    const [address, number] = [one.at('HostIp').text || '*', one.at('HostPort').text || '?'];
    return `${address.includes(':') ? `[${address}]` : address}:${number}`;
  });
  const name = phrase('Port {0}', port);
  return places.length === 0
    ? { name, value: phrase('not published') }
    : { name, value: phrase('published as {0}', places.join(', ')) };
}

function networkFact(name: string, network: Answer): readonly Fact[] {
  const [address, prefix] = [network.at('IPAddress').text, network.at('IPPrefixLen').number];
  const v6 = network.at('GlobalIPv6Address').text;
  const addresses = [address && `${address}/${prefix}`, v6].filter(Boolean).join(', ');
  const more: readonly Phrase[] = [
    ...(network.at('Gateway').text ? [phrase('gateway {0}', network.at('Gateway').text)] : []),
    ...(network.at('MacAddress').text ? [phrase('MAC {0}', network.at('MacAddress').text)] : []),
  ];
  return fact(
    phrase('Network {0}', name),
    addresses === '' ? phrase('no address') : addresses,
    more.length > 0 ? { note: listed(more, ', ') } : {},
  );
}
