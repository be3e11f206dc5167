import { listed, type Phrase, phrase } from '../../base/phrases.ts';
import { formatMemory } from '../../base/units.ts';
import type { Answer } from './answer.ts';
import { connections } from './connections.ts';
import { exitWords } from './exit-codes.ts';
import {
  answerOf,
  assignments,
  code,
  commandLine,
  type Fact,
  fact,
  filled,
  pairs,
  type Section,
  time,
} from './facts.ts';

/**
 * What people look for in the inspection of a container. Pure.
 *
 * @param ending why its last life ended, where its engine has written that down
 * @throws internal for an answer that is none
 */
export function containerSummary(inspected: unknown, ending: readonly Phrase[] = []): readonly Section[] {
  const answer = answerOf(inspected);
  const [config, host] = [answer.at('Config'), answer.at('HostConfig')];
  return filled([
    { id: 'state', title: phrase('State'), facts: state(answer, ending) },
    { id: 'program', title: phrase('Program'), facts: program(answer) },
    { id: 'limits', title: phrase('Limits'), facts: limits(host) },
    { id: 'mounts', title: phrase('Mounts'), facts: mounts(answer.at('Mounts')) },
    { id: 'network', title: phrase('Network'), facts: connections(answer) },
    { id: 'security', title: phrase('Security'), facts: security(answer) },
    { id: 'environment', title: phrase('Environment'), facts: assignments(config.at('Env').texts) },
    { id: 'labels', title: phrase('Labels'), facts: pairs(config.at('Labels')) },
    { id: 'keeping', title: phrase('Logs and storage'), facts: keeping(answer) },
  ]);
}

function state(answer: Answer, ending: readonly Phrase[]): readonly Fact[] {
  const now = answer.at('State');
  const health = now.at('Health');
  const lastCheck = health.at('Log').items.at(-1)?.at('Output').text.trim() ?? '';
  const status = health.at('Status').text;
  const { number: pid } = now.at('Pid');
  const hasEnded = ['exited', 'dead'].includes(now.at('Status').text);
  return [
    { name: phrase('Now'), ...stateWords(now) },
    ...(hasEnded ? why(now, ending) : []),
    ...fact(phrase('Error'), now.at('Error').text, { alarming: true }),
    ...(status === '' || status === 'none' ? [] : [healthFact(status, lastCheck)]),
    ...(pid > 0 ? fact(phrase('Process'), phrase('{0} on the host', pid)) : []),
    ...time(phrase('Created'), answer.at('Created').text),
    ...time(phrase('Started'), now.at('StartedAt').text),
    ...(hasEnded ? time(phrase('Ended'), now.at('FinishedAt').text) : []),
    ...restarts(answer),
  ];
}

function stateWords(now: Answer): Pick<Fact, 'value' | 'alarming'> {
  const { text } = now.at('Status');
  const { number: exitCode } = now.at('ExitCode');
  switch (text) {
    case 'running':
      return { value: phrase('running') };
    case 'paused':
      return { value: phrase('paused') };
    case 'restarting':
      return { value: phrase('restarting') };
    case 'removing':
      return { value: phrase('being removed') };
    case 'created':
      return { value: phrase('created, never started') };
    case 'dead':
      return { value: phrase('dead'), alarming: true };
    case 'exited':
      if (now.at('OOMKilled').flag) return { value: phrase('killed: out of memory'), alarming: true };
      return { value: phrase('exited with code {0}', exitCode), ...(exitCode !== 0 && { alarming: true }) };
    default:
      return { value: text === '' ? phrase('not said') : text };
  }
}

function why(now: Answer, ending: readonly Phrase[]): readonly Fact[] {
  const [first, ...rest] = ending;
  if (first) return fact(phrase('Why it ended'), first, rest.length > 0 ? { note: listed(rest, ' ') } : {});
  const words = exitWords(now.at('ExitCode').number);
  return words === undefined ? [] : fact(phrase('Why it ended'), words);
}

function healthFact(status: string, lastCheck: string): Fact {
  const words = {
    starting: phrase('starting'),
    healthy: phrase('healthy'),
    unhealthy: phrase('unhealthy'),
  } as const;
  const known = status === 'starting' || status === 'healthy' || status === 'unhealthy' ? words[status] : status;
  return {
    name: phrase('Health'),
    value: known,
    ...(lastCheck !== '' && { note: lastCheck }),
    ...(status === 'unhealthy' && { alarming: true }),
  };
}

function restarts(answer: Answer): readonly Fact[] {
  const policy = answer.at('HostConfig').at('RestartPolicy');
  const most = policy.at('MaximumRetryCount').number;
  const { text } = policy.at('Name');
  const { number: count } = answer.at('RestartCount');
  const words: Readonly<Record<string, Phrase>> = {
    '': phrase('never'),
    no: phrase('never'),
    always: phrase('always'),
    'unless-stopped': phrase('unless it was stopped'),
    'on-failure': most > 0 ? phrase('when it fails, at most {0} times', most) : phrase('when it fails'),
  };
  const value = Object.hasOwn(words, text) ? words[text] : undefined;
  return fact(phrase('Started again'), value ?? text, count > 0 ? { note: phrase('so far {0} times', count) } : {});
}

function program(answer: Answer): readonly Fact[] {
  const [config, host] = [answer.at('Config'), answer.at('HostConfig')];
  const { text: user } = config.at('User');
  const runs = commandLine([answer.at('Path').text, ...answer.at('Args').texts].filter(Boolean));
  const { number: grace } = config.at('StopTimeout');
  return [
    ...fact(phrase('Image'), config.at('Image').text, { form: 'code', note: answer.at('Image').text }),
    ...code(phrase('Command'), runs),
    ...code(phrase('Entrypoint'), commandLine(config.at('Entrypoint').texts)),
    ...code(phrase('Working directory'), config.at('WorkingDir').text),
    ...(user === '' ? fact(phrase('User'), phrase('root, as none is named')) : code(phrase('User'), user)),
    ...code(phrase('Host name'), config.at('Hostname').text),
    ...(config.at('Tty').flag ? fact(phrase('Terminal'), phrase('yes')) : []),
    ...(config.at('OpenStdin').flag ? fact(phrase('Standard input'), phrase('kept open')) : []),
    ...code(phrase('Stop signal'), config.at('StopSignal').text),
    ...(grace > 0 ? fact(phrase('Time to stop'), phrase('{0} s', grace)) : []),
    ...(host.at('AutoRemove').flag ? fact(phrase('When it ends'), phrase('it is removed')) : []),
    ...code(phrase('Platform'), answer.at('Platform').text),
  ];
}

function limits(host: Answer): readonly Fact[] {
  const none = phrase('no limit');
  const bytes = (name: string) => host.at(name).number;
  const cpus = bytes('NanoCpus') > 0 ? bytes('NanoCpus') / 1e9 : quota(host);
  const { number: swap } = host.at('MemorySwap');
  const pids = bytes('PidsLimit');
  const ulimits = host.at('Ulimits').items.map((one) => {
    const [soft, hard] = [one.at('Soft').number, one.at('Hard').number];
    return { name: `ulimit ${one.at('Name').text}`, value: soft === hard ? `${soft}` : `${soft} / ${hard}` };
  });
  return [
    ...fact(phrase('Memory'), bytes('Memory') > 0 ? formatMemory(bytes('Memory')) : none),
    ...(bytes('MemoryReservation') > 0
      ? fact(phrase('Memory kept for it'), formatMemory(bytes('MemoryReservation')))
      : []),
    ...(swap > 0 ? fact(phrase('Memory and swap'), formatMemory(swap)) : []),
    ...fact(phrase('CPU'), cpus > 0 ? phrase('{0} CPUs', cpus) : none),
    ...(bytes('CpuShares') > 0 ? fact(phrase('CPU shares'), String(bytes('CpuShares'))) : []),
    ...code(phrase('On these CPUs'), host.at('CpusetCpus').text),
    ...fact(phrase('Processes'), pids > 0 ? String(pids) : none),
    ...(bytes('BlkioWeight') > 0 ? fact(phrase('Weight of its disk use'), String(bytes('BlkioWeight'))) : []),
    ...ulimits,
    ...(bytes('ShmSize') > 0 ? code('/dev/shm', formatMemory(bytes('ShmSize'))) : []),
    ...(host.at('OomKillDisable').flag
      ? fact(phrase('Without memory'), phrase('it waits and is not killed'), { alarming: true })
      : []),
  ];
}

function quota(host: Answer): number {
  const [share, period] = [host.at('CpuQuota').number, host.at('CpuPeriod').number];
  return share > 0 ? share / (period > 0 ? period : 100_000) : 0;
}

function mounts(list: Answer): readonly Fact[] {
  return list.items.map((one) => {
    const source = one.at('Name').text || one.at('Source').text;
    return {
      name: one.at('Destination').text,
      value: [one.at('Type').text, source].filter(Boolean).join(' · '),
      form: 'code',
      note: one.at('RW').flag ? phrase('writable') : phrase('read-only'),
    };
  });
}

function security(answer: Answer): readonly Fact[] {
  const host = answer.at('HostConfig');
  const devices = host.at('Devices').items.map((one) => one.at('PathOnHost').text);
  const modes = ['PidMode', 'IpcMode', 'UTSMode', 'UsernsMode', 'CgroupnsMode'] as const;
  return [
    ...(host.at('Privileged').flag ? fact(phrase('Privileged'), phrase('yes'), { alarming: true }) : []),
    ...fact(phrase('Its root'), host.at('ReadonlyRootfs').flag ? phrase('read-only') : phrase('writable')),
    ...code(phrase('Capabilities added'), host.at('CapAdd').texts.join(' ')),
    ...code(phrase('Capabilities dropped'), host.at('CapDrop').texts.join(' ')),
    ...code(phrase('Options'), host.at('SecurityOpt').texts.join(' ')),
    ...code('AppArmor', answer.at('AppArmorProfile').text),
    ...code(phrase('Devices'), devices.join(' ')),
    ...modes.flatMap((mode) => code(mode.replace('Mode', ''), host.at(mode).text)),
  ];
}

function keeping(answer: Answer): readonly Fact[] {
  const log = answer.at('HostConfig').at('LogConfig');
  return [
    ...code(phrase('Log driver'), log.at('Type').text),
    ...log.at('Config').entries.flatMap(([name, value]) => code(name, value.text)),
    ...code(phrase('Log file'), answer.at('LogPath').text),
    ...code(phrase('Storage driver'), answer.at('Driver').text || answer.at('GraphDriver').at('Name').text),
    ...code(phrase('Id'), answer.at('Id').text),
  ];
}
