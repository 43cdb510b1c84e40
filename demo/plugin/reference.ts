/**
 * The place of the API reference and the guide, beside the page. `cargo xtask demo` writes them there after the build;
 * where that has not been done, in Vite's development server too, these addresses say so instead of being dead.
 */
import type { Plugin } from 'vite';

const FOLDER = 'reference';
/** What the page links to. */
const PAGES = ['index.html', 'documents/The_guide.html'];

const INSTEAD = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Not written here · Plinth</title>
    <link rel="icon" href="data:,">
  </head>
  <body>
    <main>
      <h1>Not written here</h1>
      <p>
        The API reference and the guide are made of the package’s sources. <code>cargo xtask demo</code> builds
        this page with them beside it, and serves both.
      </p>
    </main>
  </body>
</html>
`;

export function reference(): Plugin {
  return {
    name: 'reference',
    configureServer(server) {
      server.middlewares.use(`/${FOLDER}`, (_, response) => {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(INSTEAD);
      });
    },
    generateBundle() {
      for (const page of PAGES) {
        this.emitFile({ type: 'asset', fileName: `${FOLDER}/${page}`, source: INSTEAD });
      }
    },
  };
}
