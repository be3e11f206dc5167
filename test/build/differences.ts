import { type Section, sections } from './outcome.ts';

/** Where a build of dockerd 20.10 is not what is expected of ours, and why ours is right. */
export interface Difference {
  readonly why: string;
  readonly fixtures: readonly string[];
  readonly in: readonly Section[];
}

/** A listed difference that is none any more fails. */
export const differences: readonly Difference[] = [
  {
    why: 'newer than 20.10: here-documents, as the Dockerfile reference has them since syntax 1.4',
    fixtures: ['run-heredoc', 'run-heredoc-word', 'copy-heredoc', 'copy-heredoc-several'],
    in: sections,
  },
  {
    why: 'newer than the classic builder: --chmod takes an octal mode for files and directories alike (Buildah 1.28 makes the same), --link changes no result',
    fixtures: ['copy-mode', 'copy-mode-owner', 'add-mode', 'copy-link'],
    in: sections,
  },
  {
    why: 'newer than 20.10: ADD --checksum compares what a server sends, as the Dockerfile reference has it since syntax 1.6',
    fixtures: ['add-checksum'],
    in: sections,
  },
  {
    why: 'newer than 20.10: ADD --checksum refuses what has another digest',
    fixtures: ['add-checksum-wrong'],
    in: ['stdout', 'stderr'],
  },
  {
    why: '20.10 panics and cuts the connection: a Dockerfile that stops after ARG has no stage',
    fixtures: ['from-only-arg'],
    in: ['stderr'],
  },
  {
    why: 'newer than 20.10: values by pattern, and by whether a variable is set, as the Dockerfile reference has them',
    fixtures: ['env-modifier-plain', 'env-modifier-prefix', 'env-modifier-replace'],
    in: sections,
  },
  {
    why: 'newer than 20.10: who declares TARGETPLATFORM and the like is told the platform',
    fixtures: ['arg-platform'],
    in: ['config', 'history'],
  },
  {
    why: 'a flag that 20.10 does not know is refused by what it is',
    fixtures: ['run-flag-network'],
    in: ['stdout', 'stderr'],
  },
  {
    why: 'with --chmod there, a mode that is none is named',
    fixtures: ['copy-mode-bad'],
    in: ['stderr'],
  },
  {
    why: '20.10 begins some messages with a capital; Docker writes all of them small since, and so does ours',
    fixtures: ['run-empty-json'],
    in: ['stderr'],
  },
  {
    why: 'dockerd looks for a network when a container starts, ours when it is made',
    fixtures: ['flag-network-unknown'],
    in: ['stdout'],
  },
  {
    why: 'what is wrong with an archive is named, not how a helper process of dockerd ended',
    fixtures: ['add-tar-cut', 'add-tar-gz-cut'],
    in: ['stderr'],
  },
  {
    why: 'dockerd shows a path of its own disk instead of the one in the image',
    fixtures: [
      ...['copy-directory-over-file', 'copy-directory-over-file-slash', 'copy-owner-name-in-scratch'],
      ...['dockerfile-is-directory', 'workdir-below-file'],
    ],
    in: ['stderr'],
  },
];

/** The sections in which dockerd may not agree. */
export const differingSections = (fixture: string): Section[] => [
  ...new Set(differences.filter(({ fixtures }) => fixtures.includes(fixture)).flatMap((row) => row.in)),
];
