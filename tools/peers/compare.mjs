// One comparison: a network, a batch, threads and a precision on both sides.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { held, proveHeld } from './hold.mjs';
import { peerServer } from './networks.mjs';
import { Side } from './side.mjs';
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

// One turn of every side, in order. Their times, and whether another program had the core meanwhile.
async function takeTurn(sides, counts, threads) {
  const turns = [];
  for (const [i, side] of sides.entries()) {
    turns.push(await side.run(counts[i]));
    if (threads > 1) await pause(kPauseMs);
  }
  const disturbed = threads === 1 && turns.some((turn) => turn.cpu_share < kLeastShare);
  return { times: turns.map((turn) => turn.times_ms), disturbed };
}

// Takes turns until the time is over; the times of each side, how their medians compare turn by turn, and how many turns
// were thrown away.
async function takeTurns(sides, options, threads) {
  const counts = [];
  for (const side of sides) counts.push(Math.max(3, Math.ceil(kTurnMs / median((await side.run(3)).times_ms))));
  const times = sides.map(() => []);
  const ratios = [];
  let disturbed = 0;
  const start = performance.now();
  const goesOn = () => {
    if (options.rounds > 0) return ratios.length < options.rounds;
    return performance.now() < start + options.seconds * 1000 || ratios.length < kLeastRounds;
  };
  while (goesOn()) {
    const turn = await takeTurn(sides, counts, threads);
    if (turn.disturbed && disturbed < kMostDisturbed) {
      ++disturbed;
      continue;
    }
    for (const [i, values] of turn.times.entries()) times[i].push(...values);
    ratios.push(median(turn.times[1]) / median(turn.times[0]));
  }
  return { times, ratios, disturbed };
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

// The row of the table, or throws Refused when a side cannot do it.
export async function compare(network, { batch, threads, precision }, options) {
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
  const { times, ratios, disturbed } = await takeTurns(sides, options, threads);
  const difference = await compareOutputs(...sides, network.folder, batch);
  for (const side of sides) await side.stop();

  const loadOf = (side, key) => median(loads[side].map((load) => load[key]));
  return {
    model: network.id, precision, batch, threads, ...(options.isa ? { isa: options.isa } : {}),
    ours_ms: median(times[0]), peer: peer.name, peer_ms: median(times[1]), ratio: median(ratios),
    ratio_p10: quantile(ratios, 0.1), ratio_p90: quantile(ratios, 0.9),
    ours_p90_ms: quantile(times[0], 0.9), peer_p90_ms: quantile(times[1], 0.9),
    ours_load_ms: loadOf(0, 'load_ms'), peer_load_ms: loadOf(1, 'load_ms'),
    ours_memory_mb: loadOf(0, 'memory_mb'), peer_memory_mb: loadOf(1, 'memory_mb'),
    ...difference, input: shape.join('x'), cores, rounds: ratios.length, disturbed,
  };
}
