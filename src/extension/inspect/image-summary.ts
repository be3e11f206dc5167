import { phrase } from '../../base/phrases.ts';
import { formatSize } from '../../base/units.ts';
import type { Answer } from './answer.ts';
import { answerOf, assignments, code, commandLine, fact, filled, pairs, type Section, time } from './facts.ts';

/**
 * What people look for in the inspection of an image. Pure.
 *
 * @param users names of the containers that are made of it
 * @throws internal for an answer that is none
 */
export function imageSummary(inspected: unknown, users: readonly string[]): readonly Section[] {
  const answer = answerOf(inspected);
  const config = answer.at('Config');
  return filled([
    {
      id: 'image',
      title: phrase('Image'),
      facts: [
        ...answer.at('RepoTags').texts.flatMap((name) => code(phrase('Name'), name)),
        ...answer.at('RepoDigests').texts.flatMap((name) => code(phrase('Digest'), name)),
        ...time(phrase('Created'), answer.at('Created').text),
        ...fact(phrase('Size'), formatSize(answer.at('Size').number)),
        ...fact(phrase('Layers'), String(answer.at('RootFS').at('Layers').items.length)),
        ...code(phrase('Platform'), platform(answer)),
        ...fact(phrase('Author'), answer.at('Author').text),
        ...fact(phrase('Comment'), answer.at('Comment').text),
        ...fact(phrase('Used by'), users.length > 0 ? users.join(', ') : phrase('no container')),
        ...code(phrase('Id'), answer.at('Id').text),
      ],
    },
    {
      id: 'program',
      title: phrase('Program'),
      facts: [
        ...code(phrase('Entrypoint'), commandLine(config.at('Entrypoint').texts)),
        ...code(phrase('Command'), commandLine(config.at('Cmd').texts)),
        ...code(phrase('Working directory'), config.at('WorkingDir').text),
        ...code(phrase('User'), config.at('User').text),
        ...code(phrase('Stop signal'), config.at('StopSignal').text),
        ...code(phrase('Health check'), commandLine(config.at('Healthcheck').at('Test').texts)),
        ...code(phrase('Ports'), names(config.at('ExposedPorts'))),
        ...code(phrase('Volumes'), names(config.at('Volumes'))),
        ...code(phrase('Shell'), commandLine(config.at('Shell').texts)),
        ...config.at('OnBuild').texts.flatMap((line) => code(phrase('When built upon'), line)),
      ],
    },
    { id: 'environment', title: phrase('Environment'), facts: assignments(config.at('Env').texts) },
    { id: 'labels', title: phrase('Labels'), facts: pairs(config.at('Labels')) },
  ]);
}

/** What people look for in the inspection of a volume, see `imageSummary`. */
export function volumeSummary(inspected: unknown, users: readonly string[]): readonly Section[] {
  const answer = answerOf(inspected);
  return filled([
    {
      id: 'volume',
      title: phrase('Volume'),
      facts: [
        ...code(phrase('Name'), answer.at('Name').text),
        ...code(phrase('Driver'), answer.at('Driver').text),
        ...code(phrase('Where it lies'), answer.at('Mountpoint').text),
        ...time(phrase('Created'), answer.at('CreatedAt').text),
        ...code(phrase('Scope'), answer.at('Scope').text),
        ...fact(phrase('Used by'), users.length > 0 ? users.join(', ') : phrase('no container')),
      ],
    },
    { id: 'options', title: phrase('Options'), facts: pairs(answer.at('Options')) },
    { id: 'labels', title: phrase('Labels'), facts: pairs(answer.at('Labels')) },
  ]);
}

const platform = (answer: Answer): string =>
  ['Os', 'Architecture', 'Variant']
    .map((name) => answer.at(name).text)
    .filter(Boolean)
    .join('/');

const names = (map: Answer): string => map.entries.map(([name]) => name).join(' ');
