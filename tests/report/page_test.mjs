// Opens a report and uses it: page_test.mjs CHROMIUM REPORT.html RUN/report.json STEP.json SCREENSHOTS
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const [chromium, file, reportFile, stepFile, screenshots] = process.argv.slice(2);
const run = JSON.parse(readFileSync(reportFile, 'utf8')), { step } = JSON.parse(readFileSync(stepFile, 'utf8'));
mkdirSync(screenshots, { recursive: true });
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
const faults = [];
try {
  const page = await browser.newPage();
  page.on('console', (message) => { if (['error', 'warn', 'warning'].includes(message.type())) faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) faults.push(`asked for ${request.url()}`); });
  const open = async (width, dark) => {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html[data-ready=yes]', { timeout: 60000 });
  };
  const text = (selector) => page.$eval(selector, (element) => element.textContent);
  const zoom = (id) => page.evaluate((name) => {
    const chart = document.getElementById(name).placerChart;
    const [{ start, end }] = chart.getOption().dataZoom;
    return [start, end];
  }, id);

  await open(1280, false);
  // The numbers are those of the run.
  const row = await page.$$eval(`tr[data-method="${run.method}"] td`, (cells) => cells.map((cell) => cell.textContent));
  for (const [at, key] of [[1, 'mean'], [2, 'min'], [3, 'max']]) {
    const [number, unit] = row[at].split(' ');
    const wanted = run.step_time_seconds[key] * { s: 1, ms: 1e3, us: 1e6 }[unit];
    assert.equal(number, wanted.toFixed(3), `${key} of ${run.method}`);
  }
  // The best plan is annealing's; the run's own is there as well.
  const mine = await page.$$eval('select[aria-label=Plan] option', (options, method) => options.find((option) => option.textContent.startsWith(method)).value, run.method);
  await page.select('select[aria-label=Plan]', mine);
  await page.waitForSelector('html[data-ready=yes]');
  assert.match(await text('#limits'), new RegExp(`${(step.step_time_seconds * 1e3).toFixed(3)} ms`));
  for (const sentence of step.limits) assert.ok((await text('#limits')).includes(sentence), sentence);
  assert.ok(await page.$('tr[data-method="annealing"] .tag'), 'baselines are marked as computed here');

  // Search: the group is zoomed to and described; everything by keyboard.
  await page.focus('#search');
  await page.keyboard.type('mixed_5b');
  assert.ok((await page.$$('#found li')).length > 1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const chosen = await text('#placement-details');
  assert.match(chosen, /mixed_5b/);
  assert.match(chosen, /device \/.*time .*outputs /);
  const [start, end] = await zoom('placement-chart');
  assert.ok(end - start < 60, 'search zooms');
  await page.focus('#placement-chart');
  await page.keyboard.press('0');
  assert.deepEqual(await zoom('placement-chart'), [0, 100]);

  // Hover.
  const point = await page.evaluate(() => {
    const element = document.getElementById('placement-chart'), chart = element.placerChart;
    const { data } = chart.getOption().series.find((series) => series.type === 'scatter' && series.data.length > 0);
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [data[0][0], data[0][1]]);
    element.scrollIntoView();
    const box = element.getBoundingClientRect();
    return { x: box.x + x, y: box.y + y };
  });
  await page.mouse.move(point.x - 3, point.y);
  await page.mouse.move(point.x, point.y);
  await page.waitForFunction(() => /device/.test(document.querySelector('#placement-chart .tip')?.textContent ?? ''), { timeout: 5000 });

  // The timeline zooms by keys, and back.
  await page.focus('#timeline-chart');
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  const [from, to] = await zoom('timeline-chart');
  assert.ok(from > 20 && to - from < 61, `timeline shows ${from} to ${to}`);
  await page.keyboard.press('0');
  await page.click('#critical-toggle');
  assert.equal(await page.$eval('#critical-toggle', (element) => element.getAttribute('aria-pressed')), 'true');

  // Dark by the button.
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.click('#theme');
  assert.notEqual(await ground(), light);

  for (const width of [1280, 400]) {
    for (const dark of [false, true]) {
      await open(width, dark);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, `no sideways scrolling at ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), dark ? 'dark' : 'light');
      await page.screenshot({ path: `${screenshots}/${width}-${dark ? 'dark' : 'light'}.png`, fullPage: true });
    }
  }
  assert.deepEqual(faults, []);
  console.log('the page is good');
} finally {
  await browser.close();
}
