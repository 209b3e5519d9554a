// Runs a model as a whole and in parts, as the manifest of `placer export --format onnx-parts` says, and compares the
// outputs. Prints one line of JSON; exits with 1 if they differ.
//
//   node run_parts.mjs WHOLE.onnx PARTS/manifest.json INPUTS.json
//
// INPUTS.json: [{"name": "x", "dims": [1, 3, 224, 224]}], all float32, filled with seeded random numbers.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = process.env.PLACER_ONNXRUNTIME ?? dirname(fileURLToPath(import.meta.url));
const ort = createRequire(join(home, 'index.js'))('onnxruntime-node');

// The outputs' rounding depends on what onnxruntime fuses, which a cut may prevent.
const kTolerance = 1e-4;

// mulberry32, public domain.
function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function run(file, feeds) {
  const session = await ort.InferenceSession.create(file);
  const results = await session.run(feeds);
  await session.release();
  return results;
}

function largestDifference(a, b) {
  let scale = 0;
  let difference = 0;
  for (let i = 0; i < a.length; ++i) {
    scale = Math.max(scale, Math.abs(a[i]));
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
  }
  return { scale, difference: difference / Math.max(scale, 1e-30) };
}

const [whole, manifestFile, inputsFile] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
const random = randomNumbers(1);
const values = {};
for (const { name, dims } of JSON.parse(readFileSync(inputsFile, 'utf8'))) {
  const size = dims.reduce((product, dim) => product * dim, 1);
  values[name] = new ort.Tensor('float32', Float32Array.from({ length: size }, () => 2 * random() - 1), dims);
}
const pick = (names) => Object.fromEntries(names.map((name) => {
  if (!(name in values)) {
    throw new Error(`${name} is read before it is made: the order is wrong`);
  }
  return [name, values[name]];
}));

const expected = await run(whole, pick(manifest.inputs));
for (const part of manifest.parts) {
  const results = await run(join(dirname(manifestFile), part.file), pick(part.inputs));
  for (const name of part.outputs) {
    values[name] = results[name];
  }
}
let worst = 0;
let scale = 0;
for (const name of manifest.outputs) {
  const compared = largestDifference(expected[name].data, values[name].data);
  worst = Math.max(worst, compared.difference);
  scale = Math.max(scale, compared.scale);
}
console.log(JSON.stringify({ parts: manifest.parts.length, relative_difference: worst, largest_output: scale }));
process.exit(worst <= kTolerance && scale > 0 && Number.isFinite(scale) ? 0 : 1);
