import { PortholeError } from '../../../base/errors.ts';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { builtInNetworks, networkId, networkOf } from '../networks.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** What there is of networks: the built-in ones. */
export const networkRoutes: readonly Route[] = [
  { method: 'GET', path: '/networks', handler: list },
  { method: 'GET', path: '/networks/{id}', handler: inspect },
];

const noSuchNetwork = (name: string) => new PortholeError('not-found', `network ${name} not found`);

type BuiltIn = (typeof builtInNetworks)[number];

async function list(call: Call): Promise<Reply> {
  const filters = Filters.parse(call.query.text('filters'), [
    'dangling',
    'driver',
    'id',
    'label',
    'name',
    'scope',
    'type',
  ]);
  const chosen = builtInNetworks.filter(
    ({ name, driver }) =>
      filters.equals('driver', driver) &&
      filters.begins('id', networkId(name)) &&
      filters.matches('name', name) &&
      filters.equals('scope', 'local') &&
      filters.equals('type', 'builtin') &&
      filters.labels({}) &&
      filters.flag('dangling') !== true,
  );
  return json(chosen.map((network) => networkJson(call.engine, network, { withContainers: false })));
}

async function inspect(call: Call): Promise<Reply> {
  const wanted = call.param('id');
  const network =
    builtInNetworks.find(({ name }) => name === wanted) ??
    builtInNetworks.find(({ name }) => networkId(name).startsWith(wanted));
  if (network === undefined) throw noSuchNetwork(wanted);
  return json(networkJson(call.engine, network, { withContainers: true }));
}

function networkJson(engine: Engine, network: BuiltIn, options: { withContainers: boolean }): object {
  const inside = options.withContainers
    ? engine.containers.list().filter((record) => record.state.pid > 0 && networkOf(record) === network.name)
    : [];
  return {
    Name: network.name,
    Id: networkId(network.name),
    Created: engine.agent.startedAt,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: null },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      inside.map(({ id, name }) => [
        id,
        { Name: name, EndpointID: '', MacAddress: '', IPv4Address: '', IPv6Address: '' },
      ]),
    ),
    Options: {},
    Labels: {},
  };
}
