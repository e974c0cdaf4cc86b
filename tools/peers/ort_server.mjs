// ONNX Runtime behind the line protocol of side.mjs. The model is loaded from its file as a program would, and run
// through the package's own binding without a promise around each call.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [packageDir, modelFile, inputFile, batch, threads] = process.argv.slice(2);
const require = createRequire(path.join(packageDir, 'package.json'));
const { Tensor } = require('onnxruntime-node');
const { binding, initOrt } = require('./dist/binding.js');

const residentMb = () => {
  const text = fs.readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)[1]) / 1024;
};

// The best that ONNX Runtime offers for one network on given cores: every graph optimisation, its own CPU kernels, its
// arena and memory pattern. One operation at a time, all threads inside it: these networks are chains. Threads of a pool
// wait actively between operations, which is its default; a single thread has no pool.
const sessionOptions = (file) => ({
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  enableCpuMemArena: true,
  enableMemPattern: true,
  extra: { session: { intra_op: { allow_spinning: Number(threads) > 1 ? '1' : '0' } } },
});

initOrt();
const bytes = fs.readFileSync(inputFile);
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
globalThis.gc?.();

const memoryBefore = residentMb();
const start = performance.now();
const session = new binding.InferenceSession();
session.loadModel(modelFile, sessionOptions());
const shape = session.inputMetadata[0].shape.slice();
const feeds = { input: new Tensor('float32', values, shape) };
const fetches = Object.fromEntries(session.outputMetadata.map((output) => [output.name, null]));
const run = () => session.run(feeds, fetches, {});
let outputs = run();
const loadMs = performance.now() - start;
if (shape[0] !== Number(batch)) throw new Error(`the model is for batches of ${shape[0]}, not ${batch}`);
const say = (reply) => process.stdout.write(`${JSON.stringify(reply)}\n`);
say({ load_ms: loadMs, memory_mb: residentMb() - memoryBefore, outputs: Object.keys(fetches) });

const commands = {
  run(count) {
    run();
    const times = [];
    const cpuBefore = process.cpuUsage();
    const turn = performance.now();
    for (let i = 0; i < Number(count); ++i) {
      const begin = performance.now();
      outputs = run();
      times.push(performance.now() - begin);
    }
    const wall = performance.now() - turn;
    const cpu = process.cpuUsage(cpuBefore);
    say({ times_ms: times, cpu_share: (cpu.user + cpu.system) / 1000 / wall });
  },
  outputs(file) {
    const names = Object.keys(outputs).sort();
    const parts = names.map((name) => {
      const { data } = outputs[name];
      return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    });
    fs.writeFileSync(file, Buffer.concat(parts));
    say({ outputs: names.map((name) => ({ name, shape: outputs[name].dims })) });
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ');
  commands[command](argument);
}
