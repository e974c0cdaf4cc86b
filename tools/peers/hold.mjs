// --isa avx2: both sides run on what looks like a processor without AVX-512, by hold_avx2.cpp, and prove it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { Side } from './side.mjs';
import { median } from './statistics.mjs';

const library = path.resolve('build/peers/hold_avx2.so');
// A side is watched for this long. Fewer samples than this would prove nothing.
const kWatchMs = 500;
const kLeastSamples = 50;

export function prepareHolding() {
  if (!/^flags\s.*\bcpuid_fault\b/m.test(fs.readFileSync('/proc/cpuinfo', 'utf8'))) {
    throw new Error('--isa avx2: this processor or kernel has no CPUID faulting (cpuid_fault in /proc/cpuinfo), '
      + 'without which ONNX Runtime cannot be held');
  }
  const compiler = process.env.CXX || 'c++';
  execFileSync(compiler, ['-std=c++20', '-O2', '-shared', '-fPIC', '-o', library, 'tools/peers/hold_avx2.cpp'],
    { stdio: 'inherit' });
}

// The C library has read CPUID before the library is loaded; oneDNN's own setting is what its users would set.
export const held = (command, ...variables) => [
  'env', `LD_PRELOAD=${library}`, 'GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD',
  'ONEDNN_MAX_CPU_ISA=AVX2', ...variables, ...command];

// Runs a side once more and throws if any instruction of AVX-512 was seen at work.
export async function proveHeld(command, cores, folder) {
  const file = path.resolve(folder, 'samples');
  fs.rmSync(file, { force: true });
  const side = await Side.start(held(command, `HOLD_AVX2_SAMPLES=${file}`), cores);
  const each = median((await side.run(3)).times_ms);
  await side.run(Math.ceil(kWatchMs / each));
  await side.stop();
  const [samples, avx512] = fs.readFileSync(file, 'utf8').split(' ').map(Number);
  if (avx512 > 0 || samples < kLeastSamples) {
    throw new Error(`--isa avx2 does not hold: ${avx512} of ${samples} samples (at least ${kLeastSamples} are needed) `
      + `are AVX-512 instructions in ${command.join(' ')}`);
  }
}
