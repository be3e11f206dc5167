import { once } from 'node:events';
import { messageOf, PortholeError } from '../../../base/errors.ts';
import type { BuildProblem } from '../../../protocol/builds.ts';
import { tagNames } from '../../build/builder.ts';
import type { BuildOutput } from '../../build/contract.ts';
import { StepFailure } from '../../build/errors.ts';
import { DockerfileFailure } from '../../dockerfile/errors.ts';
import type { ProgressLine } from '../../registry/contract.ts';
import { buildRequest } from '../build-request.ts';
import { announceImage } from '../image-events.ts';
import { type Call, empty, json, type Reply, type Route, sent } from '../route.ts';

/** Images made from Dockerfiles. */
export const buildRoutes: readonly Route[] = [
  { method: 'POST', path: '/build', handler: build },
  { method: 'POST', path: '/build/cancel', since: 39, handler: cancel },
  { method: 'GET', path: '/porthole/v1/builds', handler: builds },
  { method: 'GET', path: '/porthole/v1/images/{name*}/steps', handler: steps },
];

async function build(call: Call): Promise<Reply> {
  const { engine, query, signal } = call;
  const request = await buildRequest(call);
  const lines = new BuildLines(call, { isQuiet: query.flag('q') });
  try {
    const imageId = await engine.builder.build(request, lines, signal);
    for (const name of tagNames(request.tags)) announceImage(engine, 'tag', { id: imageId, name });
    lines.done(imageId);
  } catch (failure) {
    // Before the first word a failure is the answer itself.
    if (!lines.hasBegun || signal.aborted) throw failure;
    lines.failed(failure);
  } finally {
    // What is left of the context is thrown away, so that a client that is still sending hears the answer.
    if (typeof request.context !== 'string') request.context.destroy();
  }
  return sent;
}

/** Lines of a quiet build. */
const mostKept = 5000;

/** The build as dockerd tells it: one JSON document per line. */
class BuildLines implements BuildOutput {
  readonly #call: Call;
  readonly #isQuiet: boolean;
  /** With `q` nothing is told of a build that goes well but its image. */
  readonly #kept: object[] = [];
  hasBegun = false;

  constructor(call: Call, { isQuiet }: { readonly isQuiet: boolean }) {
    this.#call = call;
    this.#isQuiet = isQuiet;
  }

  stdout(text: string): void {
    this.#tell({ stream: text });
  }

  stderr(text: string): void {
    this.#tell({ stream: `\x1b[91m${text}\x1b[0m` });
  }

  async ready(signal: AbortSignal): Promise<void> {
    const { response } = this.#call;
    if (response.writableNeedDrain) await once(response, 'drain', { signal });
  }

  progress(line: ProgressLine): void {
    this.#tell(line);
  }

  image(id: string): void {
    if (this.#call.minor >= 30) this.#tell({ aux: { ID: id } });
  }

  done(imageId: string): void {
    if (this.#isQuiet) this.#write({ stream: `${imageId}\n` });
    this.#call.response.end();
  }

  failed(failure: unknown): void {
    for (const line of this.#kept) this.#write(line);
    const message = messageOf(failure);
    const code = failure instanceof StepFailure ? failure.code : undefined;
    const problem = problemOf(failure);
    this.#write({
      errorDetail: { ...(code !== undefined && { code }), message },
      error: message,
      ...(problem && { porthole: problem }),
    });
    this.#call.response.end();
  }

  #tell(line: object): void {
    if (this.#isQuiet) this.#keep(line);
    else this.#write(line);
    this.hasBegun = true;
  }

  /** Only told when the build fails: then its end matters. */
  #keep(line: object): void {
    this.#kept.push(line);
    if (this.#kept.length > 2 * mostKept) this.#kept.splice(0, mostKept);
  }

  #write(line: object): void {
    const { response } = this.#call;
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
    this.hasBegun = true;
    response.write(`${JSON.stringify(line)}\r\n`);
  }
}

function problemOf(failure: unknown): BuildProblem | undefined {
  if (failure instanceof StepFailure) {
    const { lines, step, hint } = failure;
    return { lines, step, ...(hint !== undefined && { hint }) };
  }
  return failure instanceof DockerfileFailure ? { lines: failure.lines } : undefined;
}

/** Builds have ids with BuildKit only; one of ours is canceled by its client going away. */
async function cancel(call: Call): Promise<Reply> {
  if (call.query.text('id') === '') throw new PortholeError('internal', 'build ID not provided');
  return empty(200);
}

async function builds(call: Call): Promise<Reply> {
  return json(call.engine.builder.builds());
}

async function steps(call: Call): Promise<Reply> {
  const { builder, images } = call.engine;
  return json(builder.stepsOf(images.get(call.param('name'))));
}
