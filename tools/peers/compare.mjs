// One comparison: a network, a batch, threads and a precision on both sides.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { kWaitMs } from './calm.mjs';
import { held, proveHeld } from './hold.mjs';
import { peerServer } from './networks.mjs';
import { Refused, Side } from './side.mjs';
import { median, quantile, relativeDifference, top1Agreement } from './statistics.mjs';

const packageDir = path.resolve('build/peers/node_modules/onnxruntime-node');
export const peerVersion = JSON.parse(fs.readFileSync(path.join(packageDir, 'package.json'))).version;

// A turn lasts about this long: short enough that both sides see the same moods of the machine, long enough that the
// refilling of the caches after the other's turn stays a small share.
const kTurnMs = 30;
// Threads that wait actively stop well within this time after a turn.
const kPauseMs = 20;
// However slow a network is, its medians are those of this many turns.
const kLeastRounds = 5;
// A turn in which a side had the core for less than this share of the time measures another program, too; both sides'
// times of that turn are thrown away, up to a number, after which the machine is taken as it is.
const kLeastShare = 0.95;
const kMostDisturbed = 200;

const ortCommand = (file, input, batch, threads) => [
  process.execPath, '--expose-gc', new URL('./ort_server.mjs', import.meta.url).pathname,
  packageDir, file, input, String(batch), String(threads)];

const ourCommand = (network, input, shape, precision, threads, outputs) => [
  peerServer, 'run', network.config, network.checkpoint, input, ...shape.map(String),
  precision.replace('fp32', 'f32'), String(threads), ...outputs];

// What the peer runs against this precision of ours.
function peerModel(network, batch, precision) {
  if (precision === 'int8') return { file: network.onnxInt8(batch), name: `onnxruntime ${peerVersion} int8` };
  return { file: network.onnx(batch), name: `onnxruntime ${peerVersion} fp32` };
}

function readOutputs(file, described) {
  const bytes = fs.readFileSync(file);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let offset = 0;
  return new Map(described.map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    offset += size;
    return [name, values.subarray(offset - size, offset)];
  }));
}

async function compareOutputs(ours, peer, folder, batch) {
  const [our, their] = await Promise.all([ours, peer].map(async (side, i) => {
    const file = path.join(folder, `outputs${i}.f32`);
    return readOutputs(file, await side.outputs(file));
  }));
  const differences = [...their].map(([name, expected]) => relativeDifference(our.get(name) ?? [], expected));
  const logits = their.get('logits');
  return {
    max_diff: Math.max(...differences),
    ...(logits && their.size === 1 ? { top1: top1Agreement(our.get('logits'), logits, batch) } : {}),
  };
}

// One turn of every side, in order. Their times, whether another program had the core meanwhile, and with `calm` what
// its units were like before, between and after.
async function takeTurn(sides, counts, threads, calm) {
  const turns = [];
  const looks = calm ? [await calm.look()] : [];
  for (const [i, side] of sides.entries()) {
    if (calm && !calm.isFree(looks.at(-1))) {
      await pause(kWaitMs);
      return { looks };
    }
    turns.push(await side.run(counts[i]));
    if (calm) looks.push(await calm.look());
    if (threads > 1) await pause(kPauseMs);
  }
  const disturbed = threads === 1 && turns.some((turn) => turn.cpu_share < kLeastShare);
  return { times: turns.map((turn) => turn.times_ms), disturbed, looks };
}

// Takes turns until those that count have filled the time: with `calm` those in which the core's units were free. Throws
// Refused if they are too few after options.calm minutes.
async function takeTurns(sides, options, threads, calm) {
  const counts = [];
  for (const side of sides) {
    const usual = median((await side.run(3)).times_ms);
    // Calm moments are short.
    counts.push(Math.max(calm ? 1 : 3, Math.ceil(kTurnMs / usual)));
  }
  let counting = [];
  let disturbed = 0;
  let busy = 0;
  const start = performance.now();
  const goesOn = () => {
    if (calm && performance.now() > start + options.calm * 60_000) return false;
    if (options.rounds > 0) return counting.length < options.rounds;
    const spent = calm ? counting.reduce((sum, turn) => sum + turn.spent, 0) : performance.now() - start;
    return spent < options.seconds * 1000 || counting.length < kLeastRounds;
  };
  while (goesOn()) {
    const begin = performance.now();
    const turn = await takeTurn(sides, counts, threads, calm);
    if (!turn.times) {
      ++busy;
      continue;
    }
    if (turn.disturbed && disturbed < kMostDisturbed) {
      ++disturbed;
      continue;
    }
    counting.push({ ...turn, spent: performance.now() - begin });
    if (calm) {
      const tried = counting.length;
      counting = counting.filter(({ looks }) => looks.every((units) => calm.isFree(units)));
      busy += tried - counting.length;
    }
  }
  if (calm && counting.length < Math.min(kLeastRounds, options.rounds || kLeastRounds)) {
    throw new Refused(`only ${counting.length} turns in ${options.calm} minutes found the core's units free`);
  }
  const times = sides.map((_, i) => counting.flatMap((turn) => turn.times[i]));
  const ratios = counting.map((turn) => median(turn.times[1]) / median(turn.times[0]));
  return { times, ratios, disturbed, busy };
}

// Starts both sides several times, in turn, and keeps the last two running.
async function startSides(commands, cores, starts) {
  const loads = commands.map(() => []);
  let sides = [];
  for (let i = 0; i < starts; ++i) {
    for (const side of sides) await side.stop();
    sides = [];
    for (const [k, command] of commands.entries()) {
      sides.push(await Side.start(command, cores));
      loads[k].push(sides[k].started);
    }
  }
  return { sides, loads };
}

// The row of the table, or throws Refused when a side cannot do it. `calm` may be null.
export async function compare(network, { batch, threads, precision }, options, calm) {
  const shape = network.shape(batch);
  const input = network.input(batch);
  const cores = threads === 1 ? String(options.core) : options.cores.slice(0, threads).join(',');
  const peer = peerModel(network, batch, precision);
  const probe = await Side.start(ortCommand(peer.file, input, batch, threads), cores);
  await probe.stop();
  let commands = [
    ourCommand(network, input, shape, precision, threads, probe.started.outputs),
    ortCommand(peer.file, input, batch, threads)];
  if (options.isa) {
    for (const command of commands) await proveHeld(command, cores, network.folder);
    commands = commands.map((command) => held(command));
  }
  const { sides, loads } = await startSides(commands, cores, options.starts);
  let measured;
  let difference;
  try {
    measured = await takeTurns(sides, options, threads, calm);
    difference = await compareOutputs(...sides, network.folder, batch);
  } finally {
    for (const side of sides) await side.stop();
  }
  const { times, ratios, disturbed, busy } = measured;

  const loadOf = (side, key) => median(loads[side].map((load) => load[key]));
  return {
    model: network.id, precision, batch, threads, ...(options.isa ? { isa: options.isa } : {}),
    ours_ms: median(times[0]), peer: peer.name, peer_ms: median(times[1]), ratio: median(ratios),
    ratio_p10: quantile(ratios, 0.1), ratio_p90: quantile(ratios, 0.9),
    ours_p90_ms: quantile(times[0], 0.9), peer_p90_ms: quantile(times[1], 0.9),
    ours_load_ms: loadOf(0, 'load_ms'), peer_load_ms: loadOf(1, 'load_ms'),
    ours_memory_mb: loadOf(0, 'memory_mb'), peer_memory_mb: loadOf(1, 'memory_mb'),
    ...difference, input: shape.join('x'), cores, rounds: ratios.length, disturbed,
    ...(calm ? { calm: true, busy } : {}),
  };
}
