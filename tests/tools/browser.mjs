// Open a page in headless Chromium, carry out a script there, and print what came of it: see browser.py.
//
// The request is JSON on standard input; the answer is one line of JSON on standard output.

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const request = JSON.parse(await text(process.stdin));
const { chromium } = createRequire(`${request.modules}/`)('playwright-core');

// A machine of tests has no sandbox for root and no card for pictures; a browser there asks nobody for anything.
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--force-color-profile=srgb',
  // WebGL by software.
  '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
];

const browser = await chromium.launch({ executablePath: request.chromium, args: FLAGS });
const errors = [];
const requests = [];
let answer;
try {
  const context = await browser.newContext(request.context);
  context.setDefaultTimeout(request.patience);
  context.on('page', (page) => {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) errors.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => errors.push(`pageerror: ${error.stack ?? error}`));
    page.on('requestfailed', (failed) => {
      const why = failed.failure()?.errorText ?? '';
      // What the page itself calls off, or is left for a download, has not failed.
      if (!why.includes('ERR_ABORTED')) errors.push(`requestfailed: ${failed.url()} ${why}`);
    });
    page.on('request', (asked) => requests.push(asked.url().slice(0, 300)));
  });
  const page = await context.newPage();
  await page.goto(request.url, { waitUntil: 'load' });
  const script = new Function('page', 'given', 'context', `return (async () => { ${request.script}\n})();`);
  answer = { result: (await script(page, request.given, context)) ?? null, errors, requests };
} catch (error) {
  answer = { failure: String(error.stack ?? error), errors, requests };
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify(answer)}\n`);
