import { quiet, type Scenario, scenario } from '../scenario.ts';

/** Images by name. */
export const imageScenarios: readonly Scenario[] = [
  scenario(
    'images, history, tag, rmi',
    `images --format '{{.Repository}}:{{.Tag}} {{.Size}}'`,
    'tag busybox second:two',
    `images --filter reference=second --format '{{.Repository}}:{{.Tag}}'`,
    `images --filter reference=second:* --format '{{.Repository}}:{{.Tag}}'`,
    `images second --format '{{.Repository}}:{{.Tag}}'`,
    `history --format '{{.CreatedBy}}|{{.Comment}}|{{.Size}}' busybox`,
    `image inspect -f '{{.Os}} {{.Architecture}} {{.RootFS.Type}} {{len .RootFS.Layers}} {{json .RepoTags}}' busybox`,
    'rmi second:two',
    'rmi second:two',
    'tag nothing:here x:y',
    `tag busybox 'Bad Name'`,
    'history nothing',
  ),
  scenario(
    'rmi of a used image',
    quiet('tag busybox used:1'),
    quiet('create --name user used:1 true'),
    'rmi used:1',
    quiet('tag busybox used:1'),
    quiet('rm user'),
    'rmi used:1',
    'rmi nothing',
    `images --format '{{.Repository}}'`,
  ),
];
