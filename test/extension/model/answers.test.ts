import assert from 'node:assert/strict';
import { containerOfList, newsOf, usageOf } from '../../../src/extension/model/answers.ts';

describe('engine answers', () => {
  const event = (Type: string, Action: string) => newsOf(JSON.stringify({ Type, Action, Actor: { ID: 'x' } }));

  it('tells events that change a row from those that do not', () => {
    assert.deepEqual(event('container', 'die'), { kind: 'container', id: 'x', gone: false });
    assert.deepEqual(event('container', 'destroy'), { kind: 'container', id: 'x', gone: true });
    for (const action of ['exec_create: sh', 'attach', 'top', 'kill', 'resize']) {
      assert.equal(event('container', action), undefined, action);
    }
    for (const action of ['exec_start: sh', 'exec_die']) {
      assert.deepEqual(event('container', action), { kind: 'execs', id: 'x' }, action);
    }
    assert.deepEqual(event('container', 'health_status: unhealthy'), { kind: 'container', id: 'x', gone: false });
    const joined = { Type: 'network', Action: 'connect', Actor: { ID: 'n', Attributes: { container: 'x' } } };
    assert.deepEqual(newsOf(JSON.stringify(joined)), { kind: 'container', id: 'x', gone: false });
    assert.deepEqual(event('image', 'load'), { kind: 'images' });
    assert.equal(event('network', 'connect'), undefined);
    assert.equal(newsOf('{'), undefined);
  });

  const stats = (memory: object) =>
    JSON.stringify({
      cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 4 },
      precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
      memory_stats: memory,
    });

  it('computes CPU and memory as docker stats does, on cgroup v1 and v2', () => {
    assert.deepEqual(usageOf(stats({ usage: 100, limit: 500, stats: { total_inactive_file: 30 } })), {
      cpuPercent: 80,
      memory: 70,
      memoryLimit: 500,
    });
    assert.equal(usageOf(stats({ usage: 100, stats: { inactive_file: 10 } }))?.memory, 90);
  });

  it('names the ports that lead into a container, once each, those of TCP that are published', () => {
    const Ports = [
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { PrivatePort: 443, Type: 'tcp' },
      { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 5353, Type: 'udp' },
      { IP: '127.0.0.1', PrivatePort: 81, PublicPort: 8081, Type: 'tcp' },
    ];
    const source = { host: 'h', engine: 'docker' } as const;
    assert.deepEqual(containerOfList(source, { Id: 'x', Ports }).ports, ['8080:80', '8081:81']);
    for (const Ports of [undefined, null, 'x', [{}]]) {
      assert.deepEqual(containerOfList(source, { Id: 'x', Ports }).ports, []);
    }
  });

  it('has nothing to say of a first or empty reading', () => {
    const first = {
      cpu_stats: { cpu_usage: { total_usage: 1 } },
      precpu_stats: { cpu_usage: { total_usage: 0 } },
      memory_stats: {},
    };
    assert.equal(usageOf(JSON.stringify(first)), undefined);
    assert.equal(usageOf('nonsense'), undefined);
  });
});
