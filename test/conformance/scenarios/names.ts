import { differs, quiet, type Scenario, scenario, shell } from '../scenario.ts';

/** Made by the shell: no text in between that would have to be UTF-8. */
const context = `
  mkdir -p "in/d$(printf '\\377')"; printf latin > "in/caf$(printf '\\351')"; printf utf > in/café; printf half > "in/$(printf '\\342\\202')"
  ln -s "$(printf '\\376')" "in/l$(printf '\\375')"; ln "in/caf$(printf '\\351')" "in/d$(printf '\\377')/hard$(printf '\\200')"
  printf surrogate > "in/$(printf '\\355\\240\\200')"; printf plain > in/plain; printf whole > in/😀a
  printf 'FROM busybox\\nCOPY . /all\\nCOPY caf? ?a [z-a]x /two/\\nADD d* /three/\\nRUN echo made > "/all/n$(echo q | tr q "\\\\\\\\371")"\\n' > in/Dockerfile`;

/** Names and links in octal, one a line. */
const inside = (engineWords: string) =>
  shell(`docker ${engineWords} sh -c '
  find /all /two /three 2>/dev/null | while IFS= read -r name; do printf "%s %s " "$name" "$(readlink "$name")"; test -f "$name" && cat "$name"; echo; done' | LC_ALL=C sort | od -An -c | tr -s ' '`);
const listed = (archive: string) =>
  shell(`${archive} | tar -t --quoting-style=escape | grep -E '^(\\./)?(all|in)' | sort`);

const lost = 'dockerd passes the name of what is asked for on as JSON, which has no words for such bytes';
/** Names are bytes: one that is not UTF-8 comes through whatever carries files. */
export const nameScenarios: readonly Scenario[] = [
  scenario(
    'names that are not UTF-8: build, run, save, load',
    quiet(shell(`${context}; docker build -q --network none -t odd:1 in`)),
    inside('run --rm --network none odd:1'),
    quiet(shell('docker save odd:1 > saved.tar; docker rmi odd:1; docker load < saved.tar')),
    inside('run --rm --network none odd:1'),
    shell(
      `docker build -q --network none -t odd:2 in > id; docker image inspect -f '{{.Id}}' odd:1 | diff - id && echo from the cache`,
    ),
    shell(
      `printf x > "in/caf$(printf '\\350')"; mv "in/caf$(printf '\\350')" "in/caf$(printf '\\351')"; docker build -q --network none -t odd:3 in > id; docker image inspect -f '{{.Id}}' odd:1 | cmp -s - id || echo new`,
    ),
  ),
  scenario(
    'names that are not UTF-8: cp, diff, commit, export, import',
    quiet(shell(context)),
    quiet('create --name box --network none busybox sh'),
    quiet('cp in box:/all'),
    listed('docker cp box:/all -'),
    differs(lost, shell(`docker cp "box:/all/caf$(printf '\\351')" out && cat out`), { stdout: 'latin' }),
    differs(lost, shell(`docker cp "box:/all/d$(printf '\\377')" . && ls -b`), { stdout: 'd\\377\nin\nout\n' }),
    differs(
      lost,
      shell(`docker cp "box:/all/l$(printf '\\375')" . && find . -type l | LC_ALL=C sort | od -An -c | tr -s ' '`),
      { stdout: ' . / i n / l 375 \\n . / l 375 \\n\n' },
    ),
    shell(`docker cp "box:/all/caf$(printf '\\350')" nothing`),
    differs(
      lost,
      shell(
        `docker cp in/plain "box:/n$(printf '\\345')" && docker cp "box:/n$(printf '\\345')" - | tar -t --quoting-style=escape`,
      ),
      { stdout: 'n\\345\n' },
    ),
    shell(`docker diff box | LC_ALL=C sort`),
    quiet('commit box odd:1'),
    quiet(shell('docker export box > exported.tar')),
    listed('cat exported.tar'),
    quiet(shell('docker import exported.tar odd:2')),
    inside('run --rm --network none odd:1'),
    inside('run --rm --network none odd:2'),
    shell(`docker run --rm --network none -v "$PWD/in:/h" busybox sh -c 'ls -d /h/caf?' | od -An -c`),
  ),
];
