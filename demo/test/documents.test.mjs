/** The way to the guide and the API reference: they are beside the page, or it is said how they get there. */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { tell } from './story.mjs';

const story = tell('cities');
const { test } = story;

for (const name of ['The guide', 'API reference']) {
  test(`“${name}” leads to a page of its own`, async () => {
    const { page } = story;
    await page.getByRole('link', { name, exact: true }).click();
    await page.waitForURL(/\/reference\//);
    const text = await page.locator('body').textContent();
    assert.ok(text.includes('cargo xtask demo') || text.includes('plinthdb'), text);
    assert.equal(await page.locator('#panels').count(), 0);
    await page.goBack();
    await story.ready(page);
  });
}

test('the development server says how they are written', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const server = await createServer({ root, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } });
  try {
    await server.listen();
    for (const path of ['reference/index.html', 'reference/documents/The_guide.html']) {
      const response = await fetch(new URL(path, server.resolvedUrls.local[0]));
      assert.equal(response.status, 200);
      assert.match(await response.text(), /cargo xtask demo/);
    }
  } finally {
    await server.close();
  }
});
