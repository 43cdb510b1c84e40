/** A static server on the loopback interface: folders, single files, and texts made by a test. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

export class StaticServer {
  readonly origin: string;
  /** The paths that were asked for, the newest last. */
  readonly requested: string[] = [];
  readonly #server: Server;
  readonly #texts = new Map<string, { text: string; own: Record<string, string> }>();

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** `mounts`: path prefix -> folder or file. The longest prefix wins. `extra` headers go with every answer. */
  static async start(
    mounts: Record<string, string>,
    extra: Record<string, string> = {},
  ): Promise<StaticServer> {
    const prefixes = Object.keys(mounts).sort((left, right) => right.length - left.length);
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
      started.requested.push(path);
      const made = started.#texts.get(path);
      if (made !== undefined) {
        return sendText(response, { ...headers(path), ...extra, ...made.own }, made.text);
      }
      // A page without an icon would log an error for it.
      if (path === '/favicon.ico') return response.writeHead(204).end();
      const prefix = prefixes.find((candidate) => path.startsWith(candidate));
      if (prefix === undefined) return response.writeHead(404).end();
      const file = join(mounts[prefix] as string, normalize(`/${path.slice(prefix.length)}`));
      return sendFile(response, file.replace(/\/$/, ''), extra);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const started = new StaticServer(server);
    return started;
  }

  /** Serves `text` at `path`; the extension tells its type. Returns the address. */
  serveText(path: string, text: string, own: Record<string, string> = {}): string {
    this.#texts.set(path, { text, own });
    return this.origin + path;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function headers(path: string): Record<string, string> {
  return {
    'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    // `no-store` would keep pages out of the back-forward cache.
    'cache-control': 'no-cache',
  };
}

function sendText(response: ServerResponse, all: Record<string, string>, text: string): void {
  response.writeHead(200, all).end(text);
}

function sendFile(response: ServerResponse, file: string, extra: Record<string, string>): void {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404, extra).end();
    return;
  }
  response.writeHead(200, { ...headers(file), ...extra });
  createReadStream(file).pipe(response);
}
