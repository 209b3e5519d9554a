// Says how long a report takes to open, until all charts are drawn: open.mjs CHROMIUM REPORT.html [WIDTH light|dark SCREENSHOT.png [HEIGHT]]
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const [chromium, file, width = '1280', theme = 'light', screenshot, height] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.log(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => console.log(`error: ${error}`));
  await page.setViewport({ width: Number(width), height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.waitForSelector('html[data-ready=yes]', { timeout: 120000 });
  const ready = await page.evaluate(() => performance.getEntriesByName('placer-ready')[0].startTime);
  console.log(`${(ready / 1000).toFixed(2)} s`);
  if (screenshot && height) await page.screenshot({ path: screenshot, clip: { x: 0, y: 0, width: Number(width), height: Number(height) }, captureBeyondViewport: true });
  else if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });
} finally {
  await browser.close();
}
