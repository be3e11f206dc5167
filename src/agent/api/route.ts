import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { ApiMinor } from './api-version.ts';
import type { Engine } from './engine.ts';
import type { Query } from './query.ts';

/**
 * One line of the API. `{name}` in a path matches one segment, `{name*}` also slashes: image names hold them.
 * The first route that matches method and path wins.
 */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Without the version prefix. */
  readonly path: string;
  /** Minor number of the first API version that has it. */
  readonly since?: number;
  /** It takes the connection over (`Call.hijack`, `Call.webSocket`). */
  readonly hijacks?: true;
  readonly handler: Handler;
}

export type Handler = (call: Call) => Promise<Reply>;

/** One request on its way. */
export interface Call {
  readonly engine: Engine;
  readonly request: IncomingMessage;
  /** For routes that stream; they reply `sent` and end it. */
  readonly response: ServerResponse;
  readonly query: Query;
  readonly minor: ApiMinor;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** A part of the path, decoded. */
  param(name: string): string;
  /** The whole body. @throws invalid above `limit` bytes. */
  readBody(limit: number): Promise<Buffer>;
  /**
   * The body as a stream that may be dropped halfway: what is left of the body is then read and thrown away, so that
   * the client still hears the answer. Destroying the request itself would take the connection with it.
   */
  upload(): Readable;
  /** Takes the connection over and answers 101 (the client asked for an upgrade) or 200; raw bytes follow both ways. */
  hijack(contentType: string): Duplex;
  /** Takes the connection over as a WebSocket. @throws invalid when the client did not ask for one. */
  webSocket(options: { readonly text: boolean }): Duplex;
}

export type Reply =
  | { readonly kind: 'json'; readonly status: number; readonly text: string }
  | { readonly kind: 'text'; readonly status: number; readonly text: string }
  | { readonly kind: 'empty'; readonly status: number }
  /** The handler has answered by itself. */
  | { readonly kind: 'sent' };

export const json = (value: unknown, status = 200): Reply => ({ kind: 'json', status, text: JSON.stringify(value) });
export const empty = (status: number): Reply => ({ kind: 'empty', status });
export const text = (words: string): Reply => ({ kind: 'text', status: 200, text: words });
export const sent: Reply = { kind: 'sent' };

export interface Match {
  readonly route: Route;
  readonly params: ReadonlyMap<string, string>;
}

/** A matcher over a table of routes. */
export function matcher(
  routes: readonly Route[],
): (request: { method: string; path: string; minor: number }) => Match | undefined {
  const compiled = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return ({ method, path, minor }) => {
    for (const { route, pattern } of compiled) {
      if (route.method !== method || (route.since ?? 0) > minor) continue;
      const found = pattern.exec(path);
      if (found !== null) return { route, params: new Map(Object.entries(found.groups ?? {})) };
    }
    return undefined;
  };
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.]/g, '\\.')
    .replace(/\{(\w+)(\*?)\}/g, (_, name: string, star: string) => `(?<${name}>${star === '*' ? '.+' : '[^/]+'})`);
  return new RegExp(`^${source}$`);
}
