import { containerSummary } from '../../../src/extension/inspect/container-summary.ts';
import type { Section } from '../../../src/extension/inspect/facts.ts';
import type { SectionView, ToInspect } from '../../../src/protocol/inspect-page.ts';

/** A container that ran out of memory, as engines describe one. */
export const inspectedContainer = {
  Id: '4f0c8d1a2b3c5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7',
  Created: '2026-11-30T10:00:00.123456789Z',
  Path: 'nginx',
  Args: ['-g', 'daemon off;'],
  Image: 'sha256:9f1c0e7d',
  State: {
    Status: 'exited',
    Running: false,
    OOMKilled: true,
    Pid: 0,
    ExitCode: 137,
    Error: '',
    StartedAt: '2026-11-30T10:00:01Z',
    FinishedAt: '2026-11-30T10:20:41Z',
    Health: { Status: 'unhealthy', FailingStreak: 3, Log: [{ ExitCode: 1, Output: 'connection refused\n' }] },
  },
  RestartCount: 2,
  Platform: 'linux',
  Driver: 'overlay',
  LogPath: '/var/lib/porthole/containers/4f0c/log',
  AppArmorProfile: '',
  Config: {
    Image: 'shop/web:3',
    Hostname: 'web',
    User: '',
    Tty: false,
    WorkingDir: '/srv/www',
    Entrypoint: ['/entry.sh'],
    Cmd: ['nginx', '-g', 'daemon off;'],
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'LANG=C.UTF-8', 'SHOP_DB=postgres://db/shop'],
    Labels: { 'com.docker.compose.project': 'shop', maintainer: 'web@shop.example' },
    StopSignal: 'SIGQUIT',
  },
  HostConfig: {
    Memory: 64 << 20,
    NanoCpus: 500_000_000,
    PidsLimit: 200,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 5 },
    NetworkMode: 'bridge',
    CapAdd: ['NET_ADMIN'],
    CapDrop: null,
    ReadonlyRootfs: true,
    Privileged: false,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
    Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 4096 }],
  },
  Mounts: [
    { Type: 'volume', Name: 'site', Source: '/var/lib/v/site/_data', Destination: '/srv/www', RW: true },
    { Type: 'bind', Source: '/etc/ssl', Destination: '/etc/ssl', RW: false },
  ],
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '443/tcp': null },
    Networks: {
      bridge: { IPAddress: '172.17.0.2', IPPrefixLen: 16, Gateway: '172.17.0.1', MacAddress: '02:42:ac:11:00:02' },
    },
  },
};

/** As the extension says it to an English user. */
export const inEnglish = (sections: readonly Section[]): SectionView[] =>
  sections.map(({ id, title, facts }) => ({
    id,
    title: String(title),
    facts: facts.map(({ name, value, note, ...rest }) => ({
      ...rest,
      name: String(name),
      value: String(value),
      ...(note !== undefined && { note: String(note) }),
    })),
  }));

export function described(inspected: unknown): ToInspect {
  return {
    type: 'described',
    where: 'Porthole · Loopback',
    sections: inEnglish(containerSummary(inspected)),
    json: JSON.stringify(inspected, undefined, 2),
  };
}
