import type { Asked } from './requests.ts';

export interface Answer {
  /** 0: the connection ended without one. */
  readonly status: number;
  /** HTTP's head only, or more: the answer went on for longer than anybody waited, as streams and waits do. */
  readonly isWhole: boolean;
  readonly type: string;
  readonly body: string;
}

/** Why an answer is none of Docker's; undefined when it is one. */
export function problemOf(asked: Asked, answer: Answer): string | undefined {
  const { status, isWhole, type, body } = answer;
  // Nothing came yet, and the client left: a stop that waits for its grace, for example.
  if (status === 0) return isWhole ? `the connection ended without an answer: ${body}` : undefined;
  if (status === 500 && !isDockerds(asked, body)) return `500 ${body.slice(0, 500)}`;
  if (status >= 400) return asked.method === 'HEAD' ? undefined : shapeProblem(answer);
  if (/^application\/json/.test(type) && isWhole && asked.method !== 'HEAD') return jsonProblem(body);
  return undefined;
}

/** What shows at the start alone, of the image or of the kernel (and in the plan of it), or in a build, is dockerd's 500 too: the words are its own. */
function isDockerds({ path }: Asked, body: string): boolean {
  const words =
    /"(Cannot restart container \S+: )?(failed to create shim task|failed to initialize logging driver|cannot access path|unable to find (user|group)|uids and gids must be in range)/;
  const ofBuild = /"(build ID not provided|Cannot locate specified Dockerfile)/;
  return (
    (/\/(start|restart|plan)$/.test(path) && words.test(body)) ||
    (/\/build(\/cancel)?$/.test(path) && ofBuild.test(body))
  );
}

/** `{"message": TEXT}` and nothing else. */
function shapeProblem({ status, type, body, isWhole }: Answer): string | undefined {
  const where = `${status} ${type} ${body.slice(0, 300)}`;
  if (!isWhole) return `an error whose end does not come: ${where}`;
  if (!/^application\/json\b/.test(type)) return `an error of another content type: ${where}`;
  try {
    const told: unknown = JSON.parse(body);
    const { message } = Object(told);
    if (Object.keys(Object(told)).join() !== 'message' || typeof message !== 'string' || message === '')
      return `not Docker’s shape: ${where}`;
    // What nobody expected shows as an error of the language's or of Node's.
    if (
      /Cannot read prop|is not a function|\[object Object\]|The "\w+" (argument|property)|ERR_[A-Z]|\bundefined\b/.test(
        message,
      )
    )
      return `words of ours that slipped out: ${where}`;
    return undefined;
  } catch {
    return `not JSON: ${where}`;
  }
}

/** One document, or one per line. */
function jsonProblem(body: string): string | undefined {
  if (parses(body)) return undefined;
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  return lines.every(parses) ? undefined : `not JSON: ${body.slice(0, 300)}`;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
