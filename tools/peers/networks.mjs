// What both sides load: model files, weights, ONNX files and inputs, made once per network in a cache folder.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const zoo = 'build/release/apps/backbone-zoo';
export const peerServer = 'build/release/benchmarks/peer_server';
const cache = 'build/peers/networks';

function modelIds(folder = 'configs') {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return modelIds(file);
    return entry.name.endsWith('.yaml') ? [path.relative('configs', file).slice(0, -'.yaml'.length)] : [];
  }).sort();
}

// Ids of the zoo that are called so or, failing that, contain the text.
export function chooseModels(wanted) {
  const all = modelIds();
  if (wanted.length === 0) return all;
  return [...new Set(wanted.flatMap((name) => {
    const exact = all.filter((id) => id === name || path.basename(id) === name);
    const found = exact.length > 0 ? exact : all.filter((id) => id.includes(name));
    if (found.length === 0) throw new Error(`--models ${name}: no such model file below configs/`);
    return found;
  }))];
}

const run = (program, args) => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });

// Reproducible values in [-2, 2], as normalised pictures have them.
function inputValues(count) {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 32) * 4 - 2;
  }
  return values;
}

export class Network {
  constructor(id) {
    this.id = id;
    this.config = `configs/${id}.yaml`;
    this.folder = path.join(cache, id.replaceAll('/', '_'));
    fs.mkdirSync(this.folder, { recursive: true });
    this.checkpoint = path.join(this.folder, 'weights.safetensors');
    run(peerServer, ['weights', this.config, this.checkpoint]);
    this.imageShape = JSON.parse(run(zoo, ['summary', this.config, '--json'])).input.slice(1);
  }

  shape(batch) {
    return [batch, ...this.imageShape];
  }

  onnx(batch) {
    const file = path.join(this.folder, `batch${batch}.onnx`);
    run(zoo, ['export', this.config, '--checkpoint', this.checkpoint, '--batch', String(batch), '--onnx', file]);
    return file;
  }

  // The same in 8 bits, with ranges that this engine's int8 uses, too: it finds the table beside the weights.
  onnxInt8(batch) {
    const weights = ['--checkpoint', this.checkpoint];
    if (!this.calibrated) {
      run(zoo, ['calibrate', this.config, ...weights, '--data', 'configs/demo/samples']);
      this.calibrated = true;
    }
    const file = path.join(this.folder, `batch${batch}_int8.onnx`);
    run(zoo, ['export', this.config, ...weights, '--batch', String(batch), '--precision', 'int8', '--onnx', file]);
    return file;
  }

  input(batch) {
    const file = path.join(this.folder, `batch${batch}.f32`);
    fs.writeFileSync(file, inputValues(this.shape(batch).reduce((a, b) => a * b)));
    return file;
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true });
  }
}
