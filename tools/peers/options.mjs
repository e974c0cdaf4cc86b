// The command line of tools/bench_peers.
import { readFileSync } from 'node:fs';
import os from 'node:os';

const list = (text) => text.split(',').filter((item) => item !== '');

const positive = (flag, text) => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${flag} ${text}: expected a positive number`);
  return value;
};

// The cores that this process may use, e.g. [0, 1, 3].
export function allowedCores() {
  const [, text] = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

export function parseOptions(args) {
  const cores = allowedCores();
  const standard = ['fp32', 'bf16', 'int8'];
  const known = [...standard, 'fp32-vectors'];
  const options = {
    models: [], precision: standard, batch: [1, 8], threads: [1, cores.length],
    core: cores.at(-1), cores, isa: '', seconds: 4, rounds: 0, calm: 0, starts: 3, json: '', plot: '',
    machine: os.cpus()[0].model,
  };
  const flags = {
    '--models': (text) => { options.models = list(text); },
    '--precision': (text) => {
      options.precision = list(text).map((name) => (name === 'f32' ? 'fp32' : name));
      for (const name of options.precision) {
        if (!known.includes(name)) throw new Error(`--precision ${name}: expected one of ${known.join(', ')}`);
      }
    },
    '--batch': (text) => { options.batch = list(text).map((item) => positive('--batch', item)); },
    '--threads': (text) => {
      options.threads = list(text).map((item) => (item === 'all' ? cores.length : positive('--threads', item)));
    },
    '--core': (text) => {
      options.core = Number(text);
      if (!cores.includes(options.core)) throw new Error(`--core ${text}: not among the cores ${cores.join(',')}`);
    },
    '--isa': (text) => {
      if (text !== 'avx2') throw new Error(`--isa ${text}: expected avx2`);
      options.isa = text;
    },
    '--seconds': (text) => { options.seconds = positive('--seconds', text); },
    '--rounds': (text) => { options.rounds = positive('--rounds', text); },
    '--calm': (text) => { options.calm = positive('--calm', text); },
    '--starts': (text) => { options.starts = positive('--starts', text); },
    '--json': (text) => { options.json = text; },
    '--plot': (text) => { options.plot = text; },
  };
  for (let i = 0; i < args.length; i += 2) {
    const set = flags[args[i]];
    if (!set) throw new Error(`unknown option ${args[i]}; see --help`);
    if (args[i + 1] === undefined) throw new Error(`${args[i]} needs a value`);
    set(args[i + 1]);
  }
  options.threads = [...new Set(options.threads)];
  if (options.calm > 0 && options.threads.some((threads) => threads > 1)) {
    throw new Error('--calm: needs --threads 1');
  }
  const most = Math.max(...options.threads);
  if (most > cores.length) throw new Error(`--threads ${most}: there are ${cores.length} cores`);
  return options;
}
