import { differs, quiet, type Scenario, scenario, seenAs, terminal, typed } from '../scenario.ts';

const onStderr = '20.10 says it on standard output, where a pipe would take it for the program’s';
const host = quiet('run -d --name host -e GIVEN=1 busybox sleep 100');

/** `docker exec`. */
export const execScenarios: readonly Scenario[] = [
  scenario(
    'exec: output, exit code, standard input',
    host,
    'exec host echo hello',
    `exec host sh -c 'echo out; echo err >&2; exit 6'`,
    `exec host sh -c 'kill -9 $$'`,
    typed('through', 'exec -i host cat'),
    typed('unread', 'exec host cat'),
    typed('x'.repeat(200_000), 'exec -i host wc -c'),
  ),
  scenario(
    'exec: environment, directory, user',
    host,
    `exec -e MORE=2 -e GIVEN=3 -w /tmp host sh -c 'echo $GIVEN $MORE; pwd'`,
    `exec host sh -c 'echo $GIVEN $HOME; pwd'`,
    'exec -u user host id',
    `exec -u user host sh -c 'echo $HOME'`,
    'exec -u 5:6 host id',
    'exec -u user:staff host id',
    differs(onStderr, 'exec -w relative host pwd', {
      code: 126,
      stderr: 'OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown\n',
    }),
    'exec -e =bad host true',
  ),
  scenario(
    'exec on a terminal',
    host,
    terminal(`exec -it host sh -c 'tty; stty size; exit 3'`),
    `exec -t host sh -c 'echo out; echo err >&2; tty'`,
    `exec -t host sh -c 'echo $TERM'`,
    'exec -it host true',
  ),
  scenario(
    'exec -d and ExecIDs',
    host,
    'exec -d host sleep 100',
    `inspect -f '{{len .ExecIDs}}' host`,
    'exec -d host touch /tmp/made',
    `exec host sh -c 'while ! test -e /tmp/made; do sleep 0.02; done; ls /tmp'`,
  ),
  scenario(
    'exec of what is not there',
    host,
    differs(
      '20.10 ends with 126 and says so on standard output; 127 and standard error are right',
      'exec host nothere',
      {
        code: 127,
        stderr:
          'OCI runtime exec failed: exec failed: unable to start container process: exec: "nothere": executable file not found in $PATH: unknown\n',
      },
    ),
    differs(onStderr, 'exec host /etc/notx', {
      code: 126,
      stderr:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc/notx": permission denied: unknown\n',
    }),
    differs('as for any name that is not there', "exec host ''", {
      code: 127,
      stderr:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "": executable file not found in $PATH: unknown\n',
    }),
    differs(onStderr, 'exec -u unknown host true', {
      code: 126,
      stderr: 'unable to find user unknown: no matching entries in passwd file\n',
    }),
    'exec -d host nothere',
    'exec nobody true',
  ),
  scenario(
    'exec in a container that does not run',
    quiet('create --name made busybox sleep 100'),
    'exec made true',
    quiet('start made'),
    'pause made',
    'exec made true',
    'unpause made',
    'kill made',
    'exec made true',
  ),
  scenario(
    'exec with more and with fewer rights',
    quiet('run -d --name plain busybox sleep 100'),
    `exec plain sh -c 'grep CapEff /proc/self/status'`,
    `exec -u user plain sh -c 'grep -E "Cap(Eff|Prm)" /proc/self/status'`,
    quiet('run -d --name no --cap-drop ALL --security-opt no-new-privileges busybox sleep 100'),
    `exec no sh -c 'grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status'`,
    `exec no sh -c 'cat /proc/1/comm; hostname' -`,
  ),
  scenario(
    'the end of the container ends what was executed in it',
    host,
    'exec -d host sleep 1000',
    'kill host',
    'wait host',
    'start host',
    seenAs((text) => text.replace(/\d+/g, 'N'), 'top host -o pid,comm'),
  ),
  scenario(
    'detach from an exec',
    host,
    terminal(seenAs(() => '', typed('ab', 'exec -it --detach-keys a,b host sh'))),
    `inspect -f '{{.State.Status}}' host`,
    'exec --detach-keys nonsense-keys -it host true',
  ),
  scenario(
    'exec with an environment file',
    host,
    'exec --env-file nothere host true',
    `exec -e A -e B=2 host sh -c 'echo $A-$B'`,
    'exec host',
    'exec',
  ),
];
