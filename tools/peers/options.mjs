// The command line of tools/bench_peers.
import { readFileSync } from 'node:fs';
import os from 'node:os';

export const help = `Usage: tools/bench_peers [options]

Runs this engine and ONNX Runtime on the same networks, weights and input, in one interleaved run: both stay loaded,
pinned to the same cores, and take turns A B A B ... Only one works at a time. Each turn is one untimed inference, which
fills the caches again, and several timed ones; each side times its own. With one thread, turns in which another program
had the core for more than 5 % of the time are thrown away for both sides ("disturbed" in the JSON).

  --models LIST     model files below configs/ without .yaml, or parts of such names (default: all)
  --precision LIST  fp32, bf16, int8 (default: all three; what a side refuses is printed as n/a); fp32-vectors:
                    ours with --isa avx512, that is without AMX, ONNX Runtime in fp32
  --batch LIST      images per inference (default: 1,8)
  --threads LIST    threads per inference; "all" = one per core (default: 1,all)
  --core N          core for one thread (default: the last that this process may use)
  --isa avx2        hold both sides to AVX2 ("isa" in the JSON): fp32 only; needs a processor with CPUID faulting
  --seconds S       measured time per network, both sides together (default: 4)
  --rounds N        turns of each side, instead of --seconds
  --calm MINUTES    count only turns in calm moments, up to so many minutes per network; with one thread
  --starts N        starts of each side, for load time and memory: their medians (default: 3)
  --json FILE       the rows as JSON
  --plot FILE       the ratios as SVG

ONNX Runtime gets its best settings: every graph optimisation, CPU kernels, arena, memory pattern, sequential execution,
and threads that wait actively. bf16 is compared with its fp32 (it has nothing faster), int8 with its int8.
On a host of virtual machines, programs of others share a core's units (its other hardware thread), which makes both sides
slower, but not alike: the one that uses AMX the more so. With --calm a probe that belongs to neither side runs before,
between and after the turns of both: only turns count for which its multiply-adds and products of tiles, over the clock,
took at most 1.25 and 2 times the least that was seen. "turns" says how many counted of how many; n/a if fewer than five
did. The probe also keeps the core from idling, in time that nobody else wants: a virtual core that idles is given to
others meanwhile.
With --isa avx2 both sides see a processor without AVX-512 (tools/peers/hold_avx2.cpp); before each case both are
watched for AVX-512 instructions, and one is an error.
Load time: from the file on disk to the first result. Memory: what is resident after the first inference minus before
loading, each side in a process of its own. Ratio: ONNX Runtime's time divided by ours, the median over all turns, since
the clock and other work change from turn to turn; above 1 we are faster.`;

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
      options.precision = list(text);
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
