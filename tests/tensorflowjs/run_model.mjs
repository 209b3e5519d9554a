// Runs a TensorFlow.js graph model as it was and as `placer export --format graphdef` wrote it, with the same weights and
// the same random inputs, and compares the outputs, which must be the same to the last bit. Prints one line of JSON; exits
// with 1 if they differ.
//
//   node run_model.mjs MODEL.json EXPORTED.json WEIGHTS.bin
//
// TensorFlow.js reads the devices and has only one: what is shown is that the file is still a model that it takes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = process.env.PLACER_TENSORFLOWJS ?? dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(home, 'index.js'));
const tf = require('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-cpu');

const [modelFile, exportedFile, weightsFile] = process.argv.slice(2);
const weights = new Uint8Array(readFileSync(weightsFile)).buffer;
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const load = (json) => loadGraphModel({
  load: () => tf.io.getModelArtifactsForJSON(json, (manifest) => [tf.io.getWeightSpecs(manifest), weights]),
});

function randomInputs(model) {
  return Object.fromEntries(model.inputs.map(({ name, shape, dtype }, index) => [
    name, tf.randomUniform(shape.map((dim) => Math.max(dim, 1)), 0, dtype === 'int32' ? 256 : 1, dtype, index + 1),
  ]));
}

async function run(model, inputs) {
  const results = await model.executeAsync(inputs, model.outputNodes);
  return [results].flat();
}

const exported = read(exportedFile);
const devices = new Set(exported.modelTopology.node.map((node) => node.device ?? ''));
const before = await load(read(modelFile));
const after = await load(exported);
const inputs = randomInputs(before);
const [expected, found] = [await run(before, inputs), await run(after, inputs)];
const bytes = (tensor) => {
  const data = tensor.dataSync();
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
};
let numbers = 0;
let same = expected.length === found.length && expected.length > 0;
const distinct = new Set();
for (let i = 0; same && i < expected.length; ++i) {
  numbers += expected[i].size;
  expected[i].dataSync().forEach((value) => distinct.size < 1000 && distinct.add(value));
  same = String(expected[i].shape) === String(found[i].shape) && bytes(expected[i]).equals(bytes(found[i]));
}
console.log(JSON.stringify({ nodes: exported.modelTopology.node.length, devices: [...devices].sort(), outputs: expected.length, numbers, same }));
// Many outputs that are all one number would compare nothing.
const meaningful = (distinct.size > 1 || numbers === 1) && ![...distinct].some(Number.isNaN);
process.exit(same && meaningful && !devices.has('') ? 0 : 1);
