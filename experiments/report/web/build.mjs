// Bundles src/ and style.css into one HTML file that loads nothing: node build.mjs OUTPUT
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const [output] = process.argv.slice(2);
const common = { bundle: true, minify: true, write: false, legalComments: 'none', logLevel: 'warning' };
const script = (await build({ ...common, entryPoints: ['src/main.ts'], format: 'iife', target: 'es2021' })).outputFiles[0].text;
const style = (await build({ ...common, entryPoints: ['style.css'] })).outputFiles[0].text;
if (/<\/script/i.test(script) || /<\/style/i.test(style)) throw new Error('the bundle would end its own element');

// Only this very script may run, whatever names a model has, and nothing may be loaded.
const hash = createHash('sha256').update(script).digest('base64');
const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:`;
const notices = ['echarts', 'zrender', '@dagrejs/dagre', '@dagrejs/graphlib', 'tslib']
  .map((name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')))
  .map(({ name, version, license }) => `${name} ${version} (${license})`).join(', ');

// FillPage (report_page.cc) puts the data in the place of this text; it must be there once.
const place = '"PLACER_REPORT_DATA"';
const page = readFileSync('page.html', 'utf8')
  .replace('POLICY', () => policy)
  .replace('NOTICES', () => notices)
  .replace('STYLE', () => style)
  .replace('DATA', () => place)
  .replace('SCRIPT', () => script);
if (page.split(place).length !== 2) throw new Error('the page must have one place for data');
writeFileSync(output, page);
