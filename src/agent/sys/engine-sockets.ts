/** Where other engines of the host listen; the first that is there counts. */
export function engineSockets(given: {
  readonly docker?: string | undefined;
  readonly podman?: string | undefined;
}): Readonly<Record<'docker' | 'podman', readonly string[]>> {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const podman = ['/run/podman/podman.sock', ...(runtime ? [`${runtime}/podman/podman.sock`] : [])];
  return {
    docker: [given.docker ?? '/var/run/docker.sock'],
    podman: given.podman === undefined ? podman : [given.podman],
  };
}
