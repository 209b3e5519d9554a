// Opens a report and uses it: page_test.mjs CHROMIUM REPORT.html RUN STEP.json NAMES.html SCREENSHOTS. What it shows is held against what the run and
// `simulate` left. NAMES.html is the report of a model whose names are markup.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const [chromium, file, folder, stepFile, namesFile, screenshots] = process.argv.slice(2);
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const run = readJson(`${folder}/report.json`), [environment] = readJson(`${folder}/environment.json`), { step } = readJson(stepFile);
mkdirSync(screenshots, { recursive: true });
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
const faults = [];
const perSecond = { s: 1, ms: 1e3, us: 1e6 };
/** That a text is a time, to the digits it has. */
function assertTime(text, seconds, what) {
  const [number, unit] = text.split(' ');
  assert.equal(number, (seconds * perSecond[unit]).toFixed(3), what);
}
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Names of ops, each stored as what it does not share with the one before. */
function opNames({ ops }) {
  const names = [];
  ops.rest.forEach((rest, i) => names.push((names[i - 1] ?? '').slice(0, ops.shared[i]) + rest));
  return names;
}
/** The bars of a row, from the flat list of its spans. */
function barsOf({ channel, spans }, names, devices) {
  const bars = [];
  let time = 0;
  for (let i = 0; i < spans.length; i += channel ? 8 : 5) {
    const start = time + spans[i + 1], length = spans[i + 2], op = names[spans[i + 3]];
    time = start + length;
    bars.push({ start, length, middle: start + length / 2, op, title: channel ? `output of ${op}` : op, bytes: spans[i + 5], to: devices[spans[i + 6]]?.name });
  }
  return bars.filter((bar) => bar.length > 0);
}
const longest = (bars) => bars.reduce((best, bar) => (bar.length > best.length ? bar : best));
const commas = (count) => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');

try {
  const page = await browser.newPage();
  page.on('console', (message) => { if (['error', 'warn', 'warning'].includes(message.type())) faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) faults.push(`asked for ${request.url()}`); });
  const open = async (width, dark, what = file) => {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
    await page.goto(pathToFileURL(what).href);
    await page.waitForSelector('html[data-ready=yes]', { timeout: 60000 });
  };
  const text = (selector) => page.$eval(selector, (element) => element.textContent);
  const texts = (selector) => page.$$eval(selector, (elements) => elements.map((element) => element.textContent));
  const zoom = (id) => page.evaluate((name) => {
    const chart = document.getElementById(name).placerChart;
    const [{ start, end }] = chart.getOption().dataZoom;
    return [start, end];
  }, id);
  /** What a chart draws, without its functions. */
  const drawn = (id) => page.evaluate((name) => {
    const { series, xAxis, yAxis } = document.getElementById(name).placerChart.getOption();
    return JSON.parse(JSON.stringify({ series, xAxis, yAxis }));
  }, id);
  /** Where a value of a chart's axes is on the screen. */
  const locate = (id, value) => page.evaluate((name, at) => {
    const element = document.getElementById(name);
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    const [x, y] = element.placerChart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, at), box = element.getBoundingClientRect();
    return { x: box.x + x, y: box.y + y };
  }, id, value);
  /** The lines of the tooltip there, once its title is the one wanted: {title, word: value, ...}. */
  const hover = async (id, value, title) => {
    const shown = () => page.waitForFunction((name, wanted) => document.querySelector(`#${name} .tip b`)?.textContent === wanted, { timeout: 1000 }, id, title);
    // A chart that still moves after a zoom takes no notice: on a slow machine the mouse comes again.
    for (let tries = 20; ; --tries) {
      const { x, y } = await locate(id, value);
      await page.mouse.move(x - 3, y);
      await page.mouse.move(x, y);
      try {
        await shown();
        break;
      } catch (error) {
        if (tries === 0) throw error;
      }
    }
    return Object.fromEntries(await page.$$eval(`#${id} .tip > div:not(:first-child)`, (lines) => lines.map(({ firstChild, lastChild }) => [firstChild.textContent.trim(), lastChild.textContent])));
  };

  async function numbersAreThoseOfTheRun() {
    const row = await texts(`tr[data-method="${run.method}"] td`);
    for (const [at, key] of [[1, 'mean'], [2, 'min'], [3, 'max']]) assertTime(row[at], run.step_time_seconds[key], `${key} of ${run.method}`);
    assert.equal(row[4], `${((run.step_time_seconds.mean / run.problem.bound_seconds - 1) * 100).toFixed(1)} %`);
    assert.equal(row[7], commas(mean(run.seeds.map((seed) => seed.samples))));
    assert.equal(row[8], commas(mean(run.seeds.map((seed) => seed.unique_samples))));
    assert.equal(row[10], `${run.seeds.length}/${run.seeds.length}`);
    assert.ok(await page.$('tr[data-method="annealing"] .tag'), 'baselines are marked as computed here');

    const cards = Object.fromEntries(await page.$$eval('.fact', (facts) => facts.map((fact) => [fact.firstChild.textContent, fact.querySelector('b').textContent])));
    assertTime(cards['Lower bound'], run.problem.bound_seconds, 'bound');
    assert.equal(cards.Model, `${commas(run.problem.ops)} ops`);

    const curves = await drawn('curves-chart');
    const [, unit] = /\((.*)\)/.exec(curves.yAxis[0].name);
    const curve = curves.series.find((series) => series.name === run.method).data;
    assert.equal(curve.at(-1)[0], run.samples);
    assert.ok(Math.abs(curve.at(-1)[1] / perSecond[unit] / run.step_time_seconds.mean - 1) < 1e-9, 'the curve ends at the mean of the table');
    const lines = curves.series.find((series) => series.name === 'baselines').markLine.data;
    assert.ok(lines.some((line) => Math.abs(line.yAxis / perSecond[unit] / run.problem.bound_seconds - 1) < 1e-9), 'the bound is a line');
    assert.match(await text('#curves .keys'), /heft \d/);

    const reproduce = await text('#reproduce');
    for (const part of [run.problem.graph_fingerprint, run.problem.cluster_fingerprint, environment.processor, environment.build, environment.version, `seeds${run.seeds.map((seed) => seed.seed).join(', ')}`]) {
      assert.ok(reproduce.includes(part), part);
    }
    const [command, config] = await texts('#reproduce details pre');
    assert.equal(command, 'placer train config.txtpb');
    assert.equal(config, readFileSync(`${folder}/config.txtpb`, 'utf8'));
  }

  async function thePlanIsThatOfSimulate() {
    assertTime((await drawn('timeline-chart')).xAxis[0].max.toFixed(3) + (step.step_time_seconds >= 10 ? ' s' : ' ms'), step.step_time_seconds, 'end of the timeline');
    const dots = (await drawn('placement-chart')).series.filter((series) => series.type === 'scatter');
    assert.deepEqual(dots.map((series) => series.name), step.devices.map((device) => device.name));
    assert.equal(dots.reduce((sum, series) => sum + series.data.length, 0), run.problem.groups);

    const memory = (await drawn('memory-chart')).series;
    assert.deepEqual(memory.map((series) => Math.max(...series.data.map(([, bytes]) => bytes))), step.devices.map((device) => device.peak_bytes));
    assert.deepEqual(memory.map((series) => series.markLine.data[0].yAxis), step.devices.map((device) => device.capacity_bytes));

    const limits = await text('#limits');
    assert.match(limits, new RegExp(`Step time ${(step.step_time_seconds * 1e3).toFixed(3)} ms, bound ${(step.bound_seconds * 1e3).toFixed(3)} ms`));
    for (const sentence of step.limits) assert.ok(limits.includes(sentence), sentence);
    for (const [i, device] of step.devices.entries()) {
      const cells = await texts(`#limits [aria-label="Table of devices"] tbody tr:nth-child(${i + 1}) td`);
      assert.equal(cells[0], device.name);
      assertTime(cells[1], device.busy_seconds, `busy time of ${device.name}`);
    }
  }

  /** By keyboard: the group is zoomed to and described. */
  async function searchFinds() {
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
  }

  /** A group, an op and a copy, each with device, time and bytes. */
  async function hoverTells() {
    const { graph, plans, devices } = JSON.parse(await text('#data')).problems[0];
    const plan = plans.find((each) => each.label.startsWith(run.method));
    const dot = (await drawn('placement-chart')).series.find((series) => series.type === 'scatter' && series.data.length > 0).data[0];
    const group = await hover('placement-chart', dot.slice(0, 2), graph.groups.name[dot[2]]);
    assert.equal(group.device, devices[plan.device_of_group[dot[2]]].name);
    assertTime(group.time, plan.time_of_group[dot[2]] * 1e-12, 'time of the group');
    assert.match(group.outputs, /^[\d.]+ [kMG]?B$/);

    const names = opNames(graph);
    for (const channel of [false, true]) {
      const at = plan.timeline.rows.findIndex((row) => row.channel === channel && row.spans.length > 0), row = plan.timeline.rows[at];
      const bar = longest(barsOf(row, names, devices));
      const tip = await hover('timeline-chart', [bar.middle * 1e-9, at], bar.title);
      assertTime(tip.time, bar.length * 1e-12, `time of ${bar.op}`);
      assert.match(channel ? tip.bytes : tip.outputs, /^[\d.]+ [kMG]?B$/);
      assert.equal(channel ? tip.to : tip.device, channel ? bar.to : row.name);
    }
  }

  /** Ctrl and wheel zoom, the wheel alone does not; what is zoomed can be dragged. */
  async function wheelAndDragMove(id, middle) {
    const at = await locate(id, middle);
    await page.mouse.move(at.x, at.y);
    await page.mouse.wheel({ deltaY: -1 });
    assert.deepEqual(await zoom(id), [0, 100]);
    await page.keyboard.down('Control');
    for (let i = 0; i < 5; i++) await page.mouse.wheel({ deltaY: -240 });
    await page.keyboard.up('Control');
    await page.waitForFunction((name) => document.getElementById(name).placerChart.getOption().dataZoom[0].end < 95, { timeout: 5000 }, id);
    const [start, end] = await zoom(id);
    await page.mouse.down();
    await page.mouse.move(at.x - 90, at.y, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction((name, from) => document.getElementById(name).placerChart.getOption().dataZoom[0].start > from + 1, { timeout: 5000 }, id, start);
    const moved = await zoom(id);
    assert.ok(Math.abs(moved[1] - moved[0] - (end - start)) < 1e-6, 'dragging keeps the scale');
    await page.focus(`#${id}`);
    await page.keyboard.press('0');
    assert.deepEqual(await zoom(id), [0, 100]);
  }

  /** From bar to bar by keys, which tell what hovering tells. */
  async function keysTell() {
    const { graph, plans, devices } = JSON.parse(await text('#data')).problems[0];
    const rows = plans.find((each) => each.label.startsWith(run.method)).timeline.rows
      .map((row) => barsOf(row, opNames(graph), devices)).filter((bars) => bars.length > 0);
    const at = (bars, time) => bars.findLast((bar) => bar.start <= time) ?? bars[0];
    const [[first, second = first]] = rows, below = at(rows[1], first.start), above = at(rows[0], below.start);
    await page.focus('#timeline-chart');
    for (const [key, bar] of [['n', first], ['n', second], ['p', first], ['ArrowDown', below], ['ArrowUp', above]]) {
      await page.keyboard.press(key);
      assert.equal(await text('#timeline-details .tip b'), bar.title, key);
      assert.match(await text('#timeline-details .tip > div:nth-child(2)'), /^time /);
      assertTime((await text('#timeline-details .tip > div:nth-child(2)')).slice('time '.length), bar.length * 1e-12, `time of ${bar.title}`);
    }
  }

  /** Another theme or width draws all anew: what is zoomed to and chosen stays. */
  async function redrawingKeepsTheView() {
    await page.mouse.move(0, 0);  // or a group that comes to lie under it is chosen
    const near = async () => (await drawn('placement-chart')).series.find((series) => series.id === 'near').data.length;
    for (const id of ['placement-chart', 'timeline-chart']) {
      await page.focus(`#${id}`);
      for (const key of ['+', '+', 'ArrowRight']) await page.keyboard.press(key);
    }
    const placement = await zoom('placement-chart'), timeline = await zoom('timeline-chart'), chosen = await near();
    assert.ok(placement[1] - placement[0] < 40 && timeline[1] - timeline[0] < 40 && chosen > 0);
    const isKept = async (what) => {
      for (const [id, [start, end]] of [['placement-chart', placement], ['timeline-chart', timeline]]) {
        const now = await zoom(id);
        assert.ok(Math.abs(now[0] - start) < 1e-6 && Math.abs(now[1] - end) < 1e-6, `${what}: ${id} shows ${now}, not ${start},${end}`);
      }
      assert.equal(await near(), chosen, what);
    };
    const marginIs = (left) => page.waitForFunction((wanted) => document.getElementById('timeline-chart').placerChart.getOption().grid[0].left === wanted, { timeout: 5000 }, left);

    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await page.waitForSelector('html[data-theme=dark]');
    await isKept('dark');
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await page.waitForSelector('html[data-theme=light]');
    await page.setViewport({ width: 400, height: 900 });
    await marginIs(92);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'no sideways scrolling after the window shrank');
    await isKept('narrow');
    await page.setViewport({ width: 1280, height: 900 });
    await marginIs(210);
    await isKept('wide again');
    for (const id of ['placement-chart', 'timeline-chart']) {
      await page.focus(`#${id}`);
      await page.keyboard.press('0');
    }
  }

  /** Names that are markup are text everywhere. */
  async function namesStayText() {
    await open(1280, false, namesFile);
    const { title, problems: [{ graph, plans: [plan], devices }] } = JSON.parse(await text('#data'));
    const names = opNames(graph);
    for (const part of ['<img src=x onerror=alert(1)>', '</script><b>', 'a&b', '\u2028']) assert.ok(names.some((name) => name.includes(part)), `the model has ${part}`);
    assert.match(title, /<i>/);
    assert.equal(await text('h1'), title);
    const hasMarkup = () => page.evaluate(() => document.querySelectorAll('img, i:not(.share i), b b, b:not(.fact b):not(.tip b):not(.details b)').length > 0);

    for (const series of (await drawn('placement-chart')).series.filter((each) => each.type === 'scatter')) {
      for (const [x, y, group] of series.data) {
        await hover('placement-chart', [x, y], graph.groups.name[group]);
        assert.equal(await text('#placement-details b'), graph.groups.name[group]);
        assert.equal(await hasMarkup(), false, graph.groups.name[group]);
      }
    }
    const [, unit] = /\((.*)\)/.exec((await drawn('timeline-chart')).xAxis[0].name);
    for (const [at, row] of plan.timeline.rows.entries()) {
      for (const bar of barsOf(row, names, devices)) {
        await hover('timeline-chart', [bar.middle * 1e-12 * perSecond[unit], at], bar.title);
        assert.equal(await hasMarkup(), false, bar.title);
      }
    }
    for (const wanted of ['<img src', '</script>', 'A&B', 'separator']) {
      await page.$eval('#search', (input) => { input.value = ''; });
      await page.focus('#search');
      await page.keyboard.type(wanted);
      const found = await texts('#found li');
      assert.deepEqual(found, names.filter((name) => name.toLowerCase().includes(wanted.toLowerCase())), wanted);
      assert.equal(found.length, 1, wanted);
      assert.equal(await hasMarkup(), false, wanted);
      await page.keyboard.press('Enter');
      assert.equal(await text('#placement-details b'), found[0]);
    }
    assert.equal(await hasMarkup(), false);
  }

  await open(1280, false);
  for (const id of ['methods', 'curves', 'placement', 'timeline', 'memory', 'limits', 'reproduce']) {
    assert.ok(await page.$(`section#${id}`), `section ${id}`);
    assert.ok(await page.$(`nav a[href="#${id}"]`), `link to ${id}`);
  }
  await numbersAreThoseOfTheRun();
  // The best plan is annealing's; the run's own is there as well.
  const mine = await page.$$eval('select[aria-label=Plan] option', (options, method) => options.find((option) => option.textContent.startsWith(method)).value, run.method);
  await page.select('select[aria-label=Plan]', mine);
  await page.waitForSelector('html[data-ready=yes]');
  await thePlanIsThatOfSimulate();
  await searchFinds();
  await hoverTells();
  const middle = ({ min, max }) => (min + max) / 2;
  const { xAxis: [x], yAxis: [y] } = await drawn('placement-chart');
  await wheelAndDragMove('placement-chart', [middle(x), middle(y)]);
  await wheelAndDragMove('timeline-chart', [step.step_time_seconds * 500, 0]);

  // The timeline zooms by keys, and back.
  await page.focus('#timeline-chart');
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  const [from, to] = await zoom('timeline-chart');
  assert.ok(from > 20 && to - from < 61, `timeline shows ${from} to ${to}`);
  await page.keyboard.press('0');
  await page.click('#critical-toggle');
  assert.equal(await page.$eval('#critical-toggle', (element) => element.getAttribute('aria-pressed')), 'true');

  await keysTell();
  await redrawingKeepsTheView();

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
  await namesStayText();
  assert.deepEqual(faults, []);
  console.log('the page is good');
} finally {
  await browser.close();
}
