import { type ErrorKind, PortholeError } from '../../base/errors.ts';

/** The engine's failures, in dockerd's words: the docker command and scripts around it match some of them. */
export const noSuchContainer = (name: string) => new PortholeError('not-found', `No such container: ${name}`);
export const noSuchExec = (id: string) => new PortholeError('not-found', `No such exec instance: ${id}`);
export const ambiguousId = (prefix: string) =>
  new PortholeError('invalid', `Multiple IDs found with provided prefix: ${prefix}`);

export const invalid = (message: string) => new PortholeError('invalid', message);
export const conflict = (message: string) => new PortholeError('conflict', message);
export const notSupportedYet = (what: string) => invalid(`${what} is not supported yet`);

export const nameInUse = (name: string, holder: string) =>
  conflict(
    `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
      'You have to remove (or rename) that container to be able to reuse that name.',
  );

export const notRunning = (id: string) => conflict(`Container ${id} is not running`);
export const isRestarting = (id: string) =>
  conflict(`Container ${id} is restarting, wait until the container is running`);
export const cannotJoin = (type: string, id: string) =>
  conflict(`cannot join ${type === 'network' ? type : type.toUpperCase()} of a non running container: ${id}`);
export const nonShareable = (id: string) =>
  invalid(`can't join IPC of container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
export const notPaused = (id: string) => conflict(`Container ${id} is not paused`);
export const alreadyPaused = (id: string) => conflict(`Container ${id} is already paused`);
export const pausedForExec = (name: string) =>
  conflict(`Container ${name} is paused, unpause the container before exec`);
export const pausedForAttach = (name: string) =>
  conflict(`Container ${name} is paused, unpause the container before attach`);
export const startOfPaused = () => conflict('cannot start a paused container, try unpause instead');
export const removalInProgress = (id: string) => conflict(`removal of container ${id} is already in progress`);
export const markedForRemoval = () => conflict('container is marked for removal and cannot be started');

export const cannotLog = (why: string) => new PortholeError('internal', `failed to initialize logging driver: ${why}`);

export const notModified = (message: string) => new PortholeError('not-modified', message);

/** A failure at start with the exit code that Docker's state shows for it: 127 not found, 126 not executable, 128 all else. */
export class StartFailed extends PortholeError {
  readonly exitCode: number;

  /** @param options.kind absent: invalid when the program is to blame, else internal. */
  constructor(message: string, options: { exitCode: number; kind?: ErrorKind; cause?: unknown }) {
    super(options.kind ?? (options.exitCode === 128 ? 'internal' : 'invalid'), message, { cause: options.cause });
    this.exitCode = options.exitCode;
  }
}
