import type { RegistryOptions } from '../registry/contract.ts';

/** What `docker info` tells of how registries are reached. */
export function registryConfig({ insecure, mirrors }: RegistryOptions): object {
  const isNetwork = (rule: string): boolean => rule.includes('/');
  const Mirrors = mirrors.map((mirror) => `${mirror}/`);
  const hosts = insecure.filter((rule) => !isNetwork(rule));
  return {
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    InsecureRegistryCIDRs: [...insecure.filter(isNetwork), '127.0.0.0/8'],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors, Secure: true, Official: true },
      ...Object.fromEntries(hosts.map((Name) => [Name, { Name, Mirrors: [], Secure: false, Official: false }])),
    },
    Mirrors: Mirrors.length > 0 ? Mirrors : null,
  };
}
